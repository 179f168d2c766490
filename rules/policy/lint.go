package policy

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// Warning is about a part of a policy that is valid and probably not meant.
type Warning struct {
	Place, Message string
}

func (w Warning) Error() string { return rules.Fault{Place: w.Place, Message: w.Message}.Error() }

func (l *loader) warn(place, message string) {
	if !l.unset[place] {
		l.warnings = append(l.warnings, Warning{place, message})
	}
}

// lint collects the warnings about a policy without faults.
func (l *loader) lint() {
	l.lintSecrets()
	l.lintTokens()
	l.lintJWKS()
	l.lintSources()
	if l.ruleCount == 0 {
		l.warn("routes", "no request is covered, so every request is denied")
	}
	for _, s := range l.sources {
		eachClause(s.spec, s.place, l.lintRule)
	}
}

// lintSecrets warns of secrets that can be guessed.
func (l *loader) lintSecrets() {
	eachIn(l.doc.Key("auth").Key("tokens"), "auth.tokens", func(place string, k value.Value) {
		l.lintSecret(rules.Join(place, "secret"), k.Key("secret"))
	})
	c := l.doc.Key("companion")
	l.lintSecret("companion.secret", c.Key("secret"))
	eachIn(c.Key("secrets"), "companion.secrets", l.lintSecret)
}

// minSecret is the length in bytes of a secret that cannot be guessed (RFC 7518,
// section 3.2: as long as the hash).
const minSecret = 32

func (l *loader) lintSecret(place string, v value.Value) {
	if s, ok := v.Text(); ok && len(s) < minSecret {
		l.warn(place, fmt.Sprintf("a secret of %d bytes; one that cannot be guessed has %d or more", len(s), minSecret))
	}
}

// lintTokens warns of resources that need a token when no key can verify one.
func (l *loader) lintTokens() {
	if l.doc.Key("auth").Key("tokens").Len() > 0 {
		return
	}
	for _, r := range l.p.resources {
		if r.Auth.Reads() && !r.Auth.Optional() {
			l.warn(r.Place, "needs a token, and auth.tokens has no key: every request is refused")
		}
	}
}

// lintJWKS warns of JWK sets that are fetched without TLS.
func (l *loader) lintJWKS() {
	eachIn(l.doc.Key("auth").Key("tokens"), "auth.tokens", func(place string, k value.Value) {
		address, ok := k.Key("jwks").Key("url").Text()
		if u, err := issuerURL(address); ok && err == nil && u.Scheme == "http" && !isLoopback(u.Host) {
			l.warn(place+".jwks.url", "without TLS, an attacker on the way can replace the issuer's keys by their own")
		}
	})
}

// lintSources warns of cookies without origins: they allow only reading.
func (l *loader) lintSources() {
	for i, s := range l.p.Sources {
		if s.Cookie != "" && s.Origins == nil {
			l.warn(rules.Elem("auth.from", i), "the cookie's token is accepted for GET, HEAD, OPTIONS and TRACE only; where pages send it with other requests, name them: origins: [https://app.example]")
		}
	}
}

func (l *loader) lintRule(rule value.Value, place string) {
	kind, _ := rule.Key("rule").Text()
	switch kind {
	case "encrypt":
		if textOf(rule.Key("algorithm"), "aes-cfb") == "aes-cfb" {
			l.warn(place, "aes-cfb shows which values are equal and does not notice changes; unless existing data needs it, set algorithm: aes-gcm")
		}
	case "webhook":
		url, _ := rule.Key("url").Text()
		if rest, ok := strings.CutPrefix(strings.ToLower(url), "http://"); ok && !isLoopback(rest) {
			l.warn(rules.Join(place, "url"), "http: the token and the body go unencrypted; use https")
		}
	}
}

// isLoopback reports whether a URL, without its scheme, names this machine.
func isLoopback(rest string) bool {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, _ := httpfield.SplitPort(rest[:end])
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}
