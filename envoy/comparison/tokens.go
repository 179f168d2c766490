package comparison

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Issuer signs the tokens of the requests. All forms have its key, and not the other one.
type Issuer struct {
	key, other *rsa.PrivateKey
	// Valid is how long tokens are valid; 0 is an hour.
	Valid time.Duration
}

// NewIssuer makes the keys.
func NewIssuer() (*Issuer, error) {
	i := &Issuer{}
	for _, key := range []**rsa.PrivateKey{&i.key, &i.other} {
		var err error
		if *key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// Keys returns the key set, as JSON on one line.
func (i *Issuer) Keys() (string, error) {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	return string(text), err
}

type claims = map[string]any

func (i *Issuer) sign(key *rsa.PrivateKey, c, change claims) (string, error) {
	valid := i.Valid
	if valid == 0 {
		valid = time.Hour
	}
	all := claims{"iss": "https://id.example", "exp": time.Now().Add(valid).Unix()}
	maps.Copy(all, c)
	maps.Copy(all, change)
	payload, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// Tokens returns the tokens of a request, in the order of its headers.
func (i *Issuer) Tokens(r *Request) (tokens []string, err error) {
	if r.As == nil {
		return nil, nil
	}
	c := maps.Clone(r.As)
	if r.Since > 0 {
		c["auth_time"] = time.Now().Unix() - int64(r.Since)
	}
	add := func(key *rsa.PrivateKey, change claims) {
		token, e := i.sign(key, c, change)
		if e != nil {
			err = e
		}
		tokens = append(tokens, token)
	}
	switch r.Token {
	case NoToken:
	case ForgedToken:
		add(i.other, nil)
	case ExpiredToken:
		add(i.key, claims{"exp": time.Now().Add(-time.Hour).Unix()})
	case ForeignToken:
		add(i.key, claims{"iss": "https://other.example"})
	case UnsignedToken:
		c["iss"], c["exp"] = "https://id.example", time.Now().Add(time.Hour).Unix()
		payload, e := json.Marshal(c)
		encode := base64.RawURLEncoding.EncodeToString
		tokens, err = []string{encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."}, e
	case GoodThenForged:
		add(i.key, nil)
		add(i.other, nil)
	case ForgedThenGood:
		add(i.other, nil)
		add(i.key, nil)
	case GoodThenAnother:
		add(i.key, nil)
		add(i.key, claims{"sub": "another"})
	default:
		add(i.key, nil)
	}
	return tokens, err
}
