package token

import (
	"encoding/base64"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	// serviceLife is the lifetime of a service token. Receivers rely on at most
	// 30 minutes.
	serviceLife = 30 * time.Minute
	// serviceReuse is how long ServiceToken returns the same token: signing with
	// RSA costs more than the rest of a request.
	serviceReuse = 5 * time.Minute
)

var errNoPrimary = errors.New("no key is primary, so no token can be minted")

// primary is the key that mints tokens.
type primary struct {
	key     *key
	private keys.Private // nil for HS, and in the module, which does not mint

	mu      sync.Mutex           // guards the fields below
	service map[[2]string]minted // service tokens by gateway and audience
}

// minted is a token that was minted at a time.
type minted struct {
	raw string
	at  time.Time
}

// maxService bounds the service tokens that a primary remembers. A policy names
// fewer hosts of webhooks.
const maxService = 256

// CanSign reports whether the set has a primary. In the module it is the companion
// that signs with it.
func (s *Set) CanSign() bool { return s != nil && s.primary != nil }

// Primary returns the algorithm and kid of the primary key, both empty when
// there is none.
func (s *Set) Primary() (alg, kid string) {
	if !s.CanSign() {
		return "", ""
	}
	return s.primary.key.Alg.Name, s.primary.key.Kid
}

// PrimaryParties returns an iss and an aud that the entry of the primary accepts;
// "": it accepts any, or there is no primary.
func (s *Set) PrimaryParties() (issuer, audience string) {
	if !s.CanSign() {
		return "", ""
	}
	e := s.primary.key.entry
	if len(e.issuer) > 0 {
		issuer = e.issuer[0]
	}
	if len(e.audience) > 0 {
		audience = e.audience[0]
	}
	return issuer, audience
}

// HMACSecret returns the primary's secret when its algorithm is HS, else "". Use
// it only to derive keys from it.
func (s *Set) HMACSecret() string {
	if !s.CanSign() {
		return ""
	}
	return s.primary.key.Public.SecretText()
}

// Mint signs claims, the JSON text of an object, with the primary. An empty
// typ is JWT.
//
// Errors: no primary; claims that Verify would refuse as a payload; a token
// over 16 KiB.
func (s *Set) Mint(claims, typ string) (string, error) {
	if !s.CanSign() {
		return "", errNoPrimary
	}
	object, err := value.Parse(claims, maxDepth)
	if err != nil {
		return "", lightfmt.Errorf("claims: %w", err)
	}
	if object.Kind() != value.Object {
		return "", errors.New("claims: want a JSON object")
	}
	if typ == "" {
		typ = "JWT"
	}
	k := s.primary.key
	header := append([]byte(`{"alg":"`), k.Alg.Name...)
	header = value.AppendString(append(header, `","typ":`...), typ)
	header = value.AppendString(append(header, `,"kid":`...), k.Kid)
	header = append(header, '}')
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	sig, err := s.primary.sign(signed)
	if err != nil {
		return "", lightfmt.Errorf("signing with %s: %w", k.Alg.Name, err)
	}
	raw := signed + "." + base64.RawURLEncoding.EncodeToString(sig)
	if len(raw) > maxToken {
		return "", lightfmt.Errorf("claims: the token would have %d bytes, at most %d are read", len(raw), maxToken)
	}
	return raw, nil
}

func (p *primary) sign(text string) ([]byte, error) {
	switch {
	case p.key.Alg.IsHMAC():
		return keys.SignHMAC(p.key.Alg, p.key.Public, text), nil
	case p.private == nil:
		return nil, errors.New("there is no private key")
	}
	return p.private.Sign(p.key.Alg, text)
}

// ServiceToken returns a token that proves to the audience, another service, that
// this gateway calls. It expires 25 to 30 minutes after now, and Verify refuses
// it. Without an audience it has no aud.
func (s *Set) ServiceToken(gateway, audience string, now time.Time) (string, error) {
	if !s.CanSign() {
		return "", errNoPrimary
	}
	p := s.primary
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.service[[2]string{gateway, audience}]
	if age := now.Sub(last.at); last.raw != "" && age >= 0 && age < serviceReuse {
		return last.raw, nil
	}
	claims := value.AppendString([]byte(`{"id":`), gateway)
	if audience != "" {
		claims = value.AppendString(append(claims, `,"aud":`...), audience)
	}
	claims = append(claims, `,"role":"SpaceCloud","exp":`...)
	claims = append(strconv.AppendInt(claims, now.Add(serviceLife).Unix(), 10), '}')
	raw, err := s.Mint(string(claims), serviceType)
	if err != nil {
		return "", err
	}
	if p.service == nil || len(p.service) >= maxService {
		p.service = map[[2]string]minted{}
	}
	p.service[[2]string{gateway, audience}] = minted{raw, now}
	return raw, nil
}
