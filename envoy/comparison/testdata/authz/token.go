package main

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// verifier verifies tokens as an OpenID Connect client does that skips the audience.
type verifier struct{ keys jose.JSONWebKeySet }

func newVerifier(keys string) (*verifier, error) {
	v := &verifier{}
	return v, json.Unmarshal([]byte(keys), &v.keys)
}

func (v *verifier) verify(token, issuer string) (claims map[string]any, err error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, err
	}
	var times jwt.Claims
	if err := parsed.Claims(&v.keys, &times, &claims); err != nil {
		return nil, err
	}
	if times.Expiry == nil {
		return nil, errors.New("no exp")
	}
	return claims, times.ValidateWithLeeway(jwt.Expected{Issuer: issuer, Time: time.Now()}, 0)
}
