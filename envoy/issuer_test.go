package envoy

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
)

// issuerPlaceholder stands in a case's policy for a server of key sets:
//
//	/keys   the public halves of the test's keys, each with its name for a kid,
//	        and what issuers publish beside: a key for encryption, a secret
//	/late   the same; the first answer has no key of the kid ec
//	/away   503
//	/page   a page of HTML
//	/secret a set of one secret
const issuerPlaceholder = "{{issuer}}"

// issuerServer serves all cases; each has a path of its own on it.
var issuerServer = sync.OnceValue(func() string {
	var seen sync.Map // the paths that were asked for
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, again := seen.LoadOrStore(r.URL.Path, true)
		switch path := r.URL.Path; path[strings.LastIndexByte(path, '/')+1:] {
		case "keys":
			w.Header().Set("cache-control", "public, max-age=3600")
			fmt.Fprint(w, keySet(""))
		case "late":
			if again {
				fmt.Fprint(w, keySet(""))
			} else {
				fmt.Fprint(w, keySet("ec"))
			}
		case "page":
			fmt.Fprint(w, "<html>sign in</html>")
		case "secret":
			fmt.Fprintf(w, `{"keys":[{"kty":"oct","kid":"own","alg":"HS256","k":%q}]}`, b64([]byte(ownSecret)))
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})).URL
})

var issuerPaths atomic.Int64

// withIssuer puts a path of the case's own in the placeholder's place.
func withIssuer(policy string) string {
	if !strings.Contains(policy, issuerPlaceholder) {
		return policy
	}
	return strings.ReplaceAll(policy, issuerPlaceholder, fmt.Sprintf("%s/%d", issuerServer(), issuerPaths.Add(1)))
}

// keySet is a JWK set of the test's public keys, but for one.
func keySet(without string) string {
	keys := []map[string]any{
		{"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "kid": "encryption", "n": b64(make([]byte, 256)), "e": "AQAB"},
		{"kty": "EC", "crv": "secp256k1", "alg": "ES256K", "kid": "coin", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		{"kty": "oct", "kid": "own", "alg": "HS256", "k": b64([]byte(ownSecret))},
	}
	for name, k := range testKeys() {
		if k.signer == nil || name == without || strings.HasPrefix(name, "other") {
			continue
		}
		jwk := map[string]any{"kid": name, "use": "sig"}
		switch p := k.signer.Public().(type) {
		case *rsa.PublicKey:
			jwk["kty"], jwk["n"], jwk["e"] = "RSA", b64(p.N.Bytes()), b64(big.NewInt(int64(p.E)).Bytes())
		case *ecdsa.PublicKey:
			size := (p.Curve.Params().BitSize + 7) / 8
			point, err := p.Bytes()
			if err != nil {
				panic(err)
			}
			jwk["kty"], jwk["crv"] = "EC", p.Curve.Params().Name
			jwk["x"], jwk["y"] = b64(point[1:1+size]), b64(point[1+size:])
		case ed25519.PublicKey:
			jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", b64(p)
		}
		keys = append(keys, jwk)
	}
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// nativeKeys fetches a policy's key sets for a gate without a proxy, on a clock
// that need not be waited for.
type nativeKeys struct {
	*jwks.Keyring
	ahead time.Duration
}

func newNativeKeys(p *policy.Policy) *nativeKeys {
	return &nativeKeys{Keyring: jwks.New(p.Tokens, p.Remotes, p.Shared, nil, rand.Reader)}
}

func (k *nativeKeys) now() time.Time { return time.Now().Add(k.ahead) }

// tick makes the fetches that are due.
func (k *nativeKeys) tick() {
	k.ahead += 100 * time.Millisecond
	fetches, _ := k.Tick(k.now())
	for _, f := range fetches {
		k.Done(f, fetch(f.Source.URL), k.now())
	}
}

func fetch(url string) jwks.Reply {
	resp, err := http.Get(url)
	if err != nil {
		return jwks.Reply{Err: err.Error()}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, token.MaxJWKS+1))
	if err != nil {
		return jwks.Reply{Err: err.Error()}
	}
	return jwks.Reply{
		Status: fmt.Sprint(resp.StatusCode), Body: string(body),
		CacheControl: resp.Header.Get("cache-control"), Age: resp.Header.Get("age"), Encoded: resp.Header.Get("content-encoding") != "",
	}
}
