package policy

import (
	"net/netip"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// minSecret is the length of a secret that cannot be guessed (RFC 7518, section
// 3.2: as long as the hash).
const minSecret = 32

// lint collects the warnings about a policy without faults.
func (l *loader) lint() {
	l.lintSecrets()
	l.lintTokens()
	l.lintJWKS()
	l.lintSources()
	if l.ruled == 0 {
		l.warn("routes", "nothing is covered, so every request is denied")
	}
	for _, s := range l.stated {
		eachClause(s.spec, s.place, l.lintRule)
	}
}

func (l *loader) lintSecrets() {
	i := -1
	l.doc.Key("auth").Key("tokens").Each(func(_ string, k value.Value) bool {
		i++
		l.lintSecret(rules.Join(rules.Elem("auth.tokens", i), "secret"), k.Key("secret"))
		return true
	})
	c := l.doc.Key("companion")
	l.lintSecret("companion.secret", c.Key("secret"))
	for i := range c.Key("secrets").Len() {
		l.lintSecret(rules.Elem("companion.secrets", i), c.Key("secrets").At(i))
	}
}

func (l *loader) lintSecret(place string, v value.Value) {
	if s, ok := v.Text(); ok && len(s) < minSecret {
		l.warn(place, "a secret of %d bytes; one that cannot be guessed has %d or more", len(s), minSecret)
	}
}

// lintTokens warns of resources that nobody can have a token for.
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

// lintSources warns of cookies that are good for reading alone.
func (l *loader) lintSources() {
	for i, s := range l.p.Sources {
		if s.Cookie != "" && s.Origins == nil {
			l.warn(rules.Elem("auth.from", i), "the cookie's token counts for GET, HEAD, OPTIONS and TRACE alone; where pages send it with other requests, name them: origins: [https://app.example]")
		}
	}
}

// eachClause calls f for a rule and those inside it.
func eachClause(rule value.Value, place string, f func(value.Value, string)) {
	f(rule, place)
	if c := rule.Key("clause"); c.Kind() == value.Object {
		eachClause(c, rules.Join(place, "clause"), f)
	}
	i := 0
	rule.Key("clauses").Each(func(_ string, c value.Value) bool {
		eachClause(c, rules.Elem(rules.Join(place, "clauses"), i), f)
		i++
		return true
	})
}

func (l *loader) lintRule(rule value.Value, place string) {
	kind, _ := rule.Key("rule").Text()
	switch kind {
	case "encrypt":
		if a := textOf(rule.Key("algorithm"), "aes-cfb"); a == "aes-cfb" {
			l.warn(place, "aes-cfb shows which values are equal and does not notice changes; unless existing data needs it, set algorithm: aes-gcm")
		}
	case "webhook":
		at := rules.Join(place, "url")
		url, _ := rule.Key("url").Text()
		if rest, ok := strings.CutPrefix(strings.ToLower(url), "http://"); ok && !isLoopback(rest) {
			l.warn(at, "http: the token and the body go unencrypted; use https")
		}
	}
}

// isLoopback says whether a URL, after its scheme, stays on the machine.
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
