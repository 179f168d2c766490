package token

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// opaque is an entry whose tokens only their issuer can read: it is asked about each
// (RFC 7662).
type opaque struct {
	entry *entry
	cache time.Duration // how long an answer counts; 0: for one request
}

// addOpaque adds an entry of opaque tokens.
func (b *builder) addOpaque(spec *Key, e *entry) {
	for _, other := range spec.others() {
		if other.found && other.field != "issuer" && other.field != "audience" {
			b.fault(other.field, "is for tokens whose key is here; an entry with introspect has none")
		}
	}
	b.set.opaque = append(b.set.opaque, opaque{entry: e, cache: spec.Cache})
}

// Introspections returns the indices of the entries that take the token if its issuer
// says that it is active, in the order of the policy. Takes is that of VerifyFor.
// There are none for a text that no request to an issuer can hold.
func (s *Set) Introspections(raw string, takes func(provider string) bool) (indices []int) {
	if s == nil || len(raw) > maxToken || !isVisible(raw) {
		return nil
	}
	for i := range s.opaque {
		if takes == nil || takes(s.opaque[i].entry.provider) {
			indices = append(indices, i)
		}
	}
	return indices
}

// isVisible reports whether a token consists of the characters of an access token (RFC
// 6749, appendix A.12).
func isVisible(raw string) bool {
	return raw != "" && !strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Introspected returns the claims of a token, by its issuer's answer to the i-th entry.
// The members of the answer are the claims.
//
// Errors: an *Error if the token is refused; any other if the answer is not one.
func (s *Set) Introspected(i int, answer string, now time.Time) (Claims, error) {
	j, err := s.judgeAnswer(i, answer, now)
	if err != nil {
		return Claims{}, err
	}
	return j.decide(s, nil)
}

func (s *Set) judgeAnswer(i int, answer string, now time.Time) (*judgement, error) {
	if i < 0 || i >= len(s.opaque) {
		return nil, lightfmt.Errorf("there is no entry %d of opaque tokens", i)
	}
	object, err := value.Parse(answer, maxDepth)
	if err != nil {
		return nil, err
	}
	active := object.Key("active")
	switch {
	case object.Kind() != value.Object:
		return nil, errors.New("want a JSON object")
	case active.Kind() != value.Bool:
		return nil, errors.New("want active, true or false")
	case !active.IsTrue():
		return nil, fail(StageActive, "its issuer says that it is not active")
	case isRefresh(object):
		return nil, fail(StageActive, "a refresh token")
	}
	e := s.opaque[i].entry
	c := registered(object)
	if err := s.checkTime(&c, now); err != nil {
		return nil, err
	}
	if err := e.checkParties(&c); err != nil {
		return nil, err
	}
	j := &judgement{claims: s.times(&c), accepted: []*entry{e}}
	j.claims.JSON, j.claims.Value = answer, object
	return j, nil
}

// isRefresh reports whether an answer is about a refresh token: issuers answer for
// those too, and the hint of the request does not bind them. The members are those of
// Ory Hydra and Keycloak, and of RFC 7662, section 2.2.
func isRefresh(answer value.Value) bool {
	for _, name := range [...]string{"token_use", "token_type", "typ"} {
		text, _ := answer.Key(name).Text()
		if text = strings.ToLower(text); text == "refresh" || text == "refresh_token" {
			return true
		}
	}
	return false
}

// Introspection returns the claims of a token that Introspected has accepted for the
// i-th entry, if they are in the cache.
func (c *Cache) Introspection(s *Set, i int, raw string, now time.Time) (claims Claims, ok bool) {
	if c == nil || s == nil || i >= len(s.opaque) || s.opaque[i].cache == 0 {
		return Claims{}, false
	}
	c.mu.Lock()
	e := c.find(s, answerKey(i, raw), now)
	c.mu.Unlock()
	if e == nil {
		return Claims{}, false
	}
	claims, err := e.judgement.decide(s, nil)
	return claims, err == nil
}

// Introspected is s.Introspected for a request to the issuer that was made at asked.
// The claims of an accepted token stay in the cache until the entry's cache has passed
// since, or exp has.
func (c *Cache) Introspected(s *Set, i int, raw, answer string, asked time.Time) (Claims, error) {
	j, err := s.judgeAnswer(i, answer, asked)
	if err != nil {
		return Claims{}, err
	}
	if life := s.opaque[i].cache; life > 0 && c != nil && c.max > 0 {
		until := asked.Add(life)
		// Without the leeway: the issuer's word ends with exp.
		if end := j.claims.Expires.Add(-s.leeway); !j.claims.Expires.IsZero() && end.Before(until) {
			until = end
		}
		c.addUntil(s, answerKey(i, raw), j, asked, until)
	}
	return j.decide(s, nil)
}

// answerKey is the key of an answer in a Cache. No token has a NUL, so it is that of no
// other token.
func answerKey(i int, raw string) string { return strconv.Itoa(i) + "\x00" + raw }

// other is a part of a Key, and whether the entry has it.
type other struct {
	field string
	found bool
}

// others lists the parts of an entry for tokens whose key is here.
func (k *Key) others() []other {
	return slices.Clip([]other{
		{"alg", k.Alg != ""}, {"secret", k.Secret != ""}, {"publicKey", k.PublicKey != ""},
		{"privateKey", k.PrivateKey != ""}, {"jwks", k.JWKS != "" || k.Fetched}, {"kid", k.Kid != ""},
		{"issuer", k.Issuer != nil}, {"audience", k.Audience != nil}, {"primary", k.Primary},
	})
}
