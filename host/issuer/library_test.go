package issuer_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// library is another implementation of JSON Web Tokens. Keys are PEM, or the
// secret of an HS algorithm.
type library interface {
	sign(alg, key, claims, kid string) (raw string, err error)
	verify(alg, key, raw string) (claims string, err error)
	// jwk returns the key as a JWK with a kid and an alg.
	jwk(alg, key, kid string) (text string, err error)
}

// goJose is github.com/go-jose/go-jose.
type goJose struct{}

func (goJose) sign(alg, key, claims, kid string) (string, error) {
	opts := &jose.SignerOptions{}
	if kid != "" {
		opts = opts.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: parseKey(alg, key)}, opts)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func (goJose) verify(alg, key, raw string) (string, error) {
	parsed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return "", err
	}
	claims, err := parsed.Verify(parseKey(alg, key))
	return string(claims), err
}

func (goJose) jwk(alg, key, kid string) (string, error) {
	text, err := json.Marshal(jose.JSONWebKey{Key: parseKey(alg, key), KeyID: kid, Algorithm: alg, Use: "sig"})
	return string(text), err
}

// pyJWT is Python's PyJWT with cryptography, in a process.
type pyJWT struct {
	in  *json.Encoder
	out *bufio.Scanner
}

// startPyJWT starts PyJWT. It installs it into .cache if it is not there.
func startPyJWT(t *testing.T) *pyJWT {
	t.Helper()
	get := exec.Command("../../.ci/pyjwt")
	get.Stderr = os.Stderr
	folder, err := get.Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no PyJWT: %v", err)
		}
		t.Skipf("no PyJWT: %v", err)
	}
	cmd := exec.Command("python3", "-B", "testdata/pyjwt.py")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+strings.TrimSpace(string(folder)))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // ends the process
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &pyJWT{json.NewEncoder(in), lines}
}

// call returns the JSON text of a function's result.
func (p *pyJWT) call(name string, args map[string]any) (json.RawMessage, error) {
	args["call"] = name
	if err := p.in.Encode(args); err != nil {
		return nil, err
	}
	if !p.out.Scan() {
		return nil, errors.Join(errors.New("python ended"), p.out.Err())
	}
	var reply struct {
		OK    json.RawMessage
		Error string
	}
	if err := json.Unmarshal(p.out.Bytes(), &reply); err != nil {
		return nil, err
	}
	if reply.Error != "" {
		return nil, errors.New(reply.Error)
	}
	return reply.OK, nil
}

func (p *pyJWT) sign(alg, key, claims, kid string) (string, error) {
	text, err := p.call("sign", map[string]any{"alg": alg, "key": key, "claims": json.RawMessage(claims), "kid": kid})
	if err != nil {
		return "", err
	}
	var raw string
	return raw, json.Unmarshal(text, &raw)
}

func (p *pyJWT) verify(alg, key, raw string) (string, error) {
	text, err := p.call("verify", map[string]any{"alg": alg, "key": key, "token": raw})
	return string(text), err
}

func (p *pyJWT) jwk(alg, key, kid string) (string, error) {
	text, err := p.call("jwk", map[string]any{"alg": alg, "key": key, "kid": kid})
	return string(text), err
}

// bySet verifies a token with the key of a JWK set that it names.
func (p *pyJWT) bySet(set, raw string) (string, error) {
	text, err := p.call("by_set", map[string]any{"text": set, "token": raw})
	return string(text), err
}
