package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	secret = "a-secret-that-only-benchmarks-use"
	issuer = "https://issuer.example"
	// banned is the user whom the query finds.
	banned = "user-0"
)

// keys are made for one run.
type keys struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func newKeys() (k keys, err error) {
	if k.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return k, err
	}
	k.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return k, err
}

// algorithms are those of the tokens; the key's id is the algorithm's name.
var algorithms = []jose.SignatureAlgorithm{jose.HS256, jose.RS256, jose.ES256}

func (k *keys) private(alg jose.SignatureAlgorithm) any {
	switch alg {
	case jose.RS256:
		return k.rsa
	case jose.ES256:
		return k.ec
	}
	return []byte(secret)
}

func (k *keys) public(alg jose.SignatureAlgorithm) any {
	if alg == jose.ES256 {
		return k.ec.Public()
	}
	return k.rsa.Public()
}

// set returns the JSON Web Key Set for Envoy's jwt_authn.
func (k *keys) set() (string, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: []byte(secret), KeyID: "HS256", Algorithm: "HS256", Use: "sig"},
		{Key: k.rsa.Public(), KeyID: "RS256", Algorithm: "RS256", Use: "sig"},
		{Key: k.ec.Public(), KeyID: "ES256", Algorithm: "ES256", Use: "sig"},
	}}
	text, err := json.Marshal(set)
	return string(text), err
}

// policy returns the section auth of a policy.
func (k *keys) policy() (object, error) {
	list := array{object{"name": "own", "alg": "HS256", "secret": secret, "kid": "HS256", "primary": true, "issuer": array{issuer}}}
	for _, alg := range algorithms[1:] {
		der, err := x509.MarshalPKIXPublicKey(k.public(alg))
		if err != nil {
			return nil, err
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		list = append(list, object{"name": strings.ToLower(string(alg)), "alg": string(alg), "publicKey": string(text), "kid": string(alg), "issuer": array{issuer}})
	}
	return object{"tokens": list}, nil
}

// user is the subject of a token.
type user struct {
	id, role string
	roles    int // length of the array roles
	pad      int // bytes of a claim that no rule reads
}

func (k *keys) token(alg jose.SignatureAlgorithm, u user, number int) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", string(alg))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: k.private(alg)}, options)
	if err != nil {
		return "", err
	}
	claims := map[string]any{
		"sub": u.id, "iss": issuer, "aud": "api", "exp": 4102444800, "role": u.role, "jti": fmt.Sprintf("%08d", number),
		"org": map[string]any{"id": "org-1", "plan": "pro"}, "scopes": []string{"read", "write"},
	}
	if u.roles > 0 {
		var list []string
		for i := range u.roles - 1 {
			list = append(list, fmt.Sprintf("role-%d", i))
		}
		claims["roles"] = append(list, u.role)
	}
	if u.pad > 0 {
		claims["pad"] = strings.Repeat("x", u.pad)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// tokens returns n different tokens.
func (k *keys) tokens(alg jose.SignatureAlgorithm, u user, n int) ([]string, error) {
	out, faults := make([]string, n), make([]error, n)
	var wait sync.WaitGroup
	const parts = 4
	for part := range parts {
		wait.Go(func() {
			for i := part; i < n; i += parts {
				out[i], faults[i] = k.token(alg, u, i)
			}
		})
	}
	wait.Wait()
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
