package token

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

const (
	// serviceLife is how long a service token is good for; receivers rely on
	// it being at most 30 minutes.
	serviceLife = 30 * time.Minute
	// serviceReuse is how long one is handed out again: signing with RSA
	// costs more than the rest of a request.
	serviceReuse = 5 * time.Minute
)

var errNoPrimary = errors.New("no key is primary, so no token can be minted")

// primary is the key that mints.
type primary struct {
	key     *key
	private any

	mu      sync.Mutex
	gateway string // of service
	service string // the last service token
	minted  time.Time
}

// CanSign reports whether the set has a primary.
func (s *Set) CanSign() bool { return s != nil && s.primary != nil }

// Primary gives the algorithm and kid of the key that mints; both are empty
// when there is none.
func (s *Set) Primary() (alg, kid string) {
	if !s.CanSign() {
		return "", ""
	}
	return s.primary.key.alg.name, s.primary.key.kid
}

// HMACSecret gives the primary's secret when its algorithm is an HS one, else
// "". Keys are derived from it; it is no key for anything else itself.
func (s *Set) HMACSecret() string {
	if !s.CanSign() {
		return ""
	}
	key, _ := s.primary.private.(secret)
	return string(key)
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
	if err := strictjson.Check(claims, maxDepth); err != nil {
		return "", fmt.Errorf("claims: %w", err)
	}
	if !gjson.Parse(claims).IsObject() {
		return "", errors.New("claims: want a JSON object")
	}
	if typ == "" {
		typ = "JWT"
	}
	k := s.primary.key
	header := append([]byte(`{"alg":"`), k.alg.name...)
	header = gjson.AppendJSONString(append(header, `","typ":`...), typ)
	header = gjson.AppendJSONString(append(header, `,"kid":`...), k.kid)
	header = append(header, '}')
	signed := base64url.EncodeToString(header) + "." + base64url.EncodeToString([]byte(claims))
	sig, err := sign(k.alg, s.primary.private, signed)
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", k.alg.name, err)
	}
	raw := signed + "." + base64url.EncodeToString(sig)
	if len(raw) > maxToken {
		return "", fmt.Errorf("claims: the token would have %d bytes, at most %d are read", len(raw), maxToken)
	}
	return raw, nil
}

// ServiceToken gives the token by which other services know this gateway. It
// expires at most 30 and at least 25 minutes after now, and Verify refuses it.
func (s *Set) ServiceToken(gateway string, now time.Time) (string, error) {
	if !s.CanSign() {
		return "", errNoPrimary
	}
	p := s.primary
	p.mu.Lock()
	defer p.mu.Unlock()
	age := now.Sub(p.minted)
	if p.service != "" && p.gateway == gateway && age >= 0 && age < serviceReuse {
		return p.service, nil
	}
	claims := gjson.AppendJSONString([]byte(`{"id":`), gateway)
	claims = append(claims, `,"role":"SpaceCloud","exp":`...)
	claims = append(strconv.AppendInt(claims, now.Add(serviceLife).Unix(), 10), '}')
	raw, err := s.Mint(string(claims), serviceType)
	if err != nil {
		return "", err
	}
	p.gateway, p.service, p.minted = gateway, raw, now
	return raw, nil
}
