package policy

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/value"
)

// Warning is about a part of a policy that is valid and probably not meant.
type Warning = lint.Warning

// warn adds a warning, unless `lint` at its place, or at one around it, switches
// it off.
func (l *loader) warn(w Warning, resource string) {
	if l.unset[w.Place] || l.isOff(w.Code, w.Place) || l.isOff(w.Code, resource) {
		return
	}
	if !slices.Contains(l.warnings, w) {
		l.warnings = append(l.warnings, w)
	}
}

func (l *loader) warnAt(place string, code lint.Code, format string, args ...any) {
	l.warn(Warning{Place: place, Message: lightfmt.Sprintf(format, args...), Code: code}, place)
}

// isOff reports whether a warning is switched off at a place or around it.
func (l *loader) isOff(code lint.Code, place string) bool {
	for {
		if slices.Contains(textsOf(l.valueAt(place).Key("lint").Key("off")), string(code)) {
			return true
		}
		if place == "" {
			return false
		}
		place = Parent(place)
	}
}

// lint collects the warnings about a policy without faults.
func (l *loader) lint() {
	l.lintSecrets()
	l.lintTokenKeys()
	l.lintSources()
	l.lintCORS()
	l.lintNoRules()
	if l.p.Shadow {
		l.warnAt("mode", lint.InShadow, "shadow lets every request through: this policy protects nothing")
	}
	for _, r := range l.p.resources {
		if r.Shadow && !l.p.Shadow {
			l.warnAt(rules.Join(Parent(r.Place), "mode"), lint.InShadow, "shadow lets every request through: this route protects nothing")
		}
	}
	for _, place := range l.unused {
		l.warnAt(place, lint.UnusedDefine, "no rule uses it")
	}
	for i := range l.reviewed {
		r := &l.reviewed[i]
		for _, w := range lint.Warn(r) {
			l.warn(w, r.Rule.Place)
		}
	}
}

// lintSecrets warns of secrets that can be guessed or read.
func (l *loader) lintSecrets() {
	eachIn(l.doc.Key("auth").Key("tokens"), "auth.tokens", func(place string, k value.Value) {
		l.lintSecret(rules.Join(place, "secret"), k.Key("secret"), true)
		l.lintSecret(rules.Join(place, "secretBase64"), k.Key("secretBase64"), true)
		l.lintSecret(rules.Join(place, "privateKey"), k.Key("privateKey"), false)
		l.lintSecret(place+".introspect.clientSecret", k.Key("introspect").Key("clientSecret"), false)
	})
	c := l.doc.Key("companion")
	l.lintSecret("companion.secret", c.Key("secret"), true)
	eachIn(c.Key("secrets"), "companion.secrets", func(place string, v value.Value) { l.lintSecret(place, v, true) })
	l.lintSecret("crypto.aesKey", l.doc.Key("crypto").Key("aesKey"), false)
	l.lintSecret("webhooks.key", l.doc.Key("webhooks").Key("key"), false)
	l.doc.Key("databases").Each(func(name string, d value.Value) bool {
		conn, place := d.Key("conn"), rules.Join(rules.Join("databases", name), "conn")
		if text, _ := conn.Text(); hasPassword(text) {
			l.lintSecret(place, conn, false)
		}
		return true
	})
}

// minSecret is the length in bytes of a secret that cannot be guessed (RFC 7518,
// section 3.2: as long as the hash).
const minSecret = 32

func (l *loader) lintSecret(place string, v value.Value, guessable bool) {
	s, ok := v.Text()
	if !ok {
		return
	}
	n := len(s)
	if strings.HasSuffix(place, ".secretBase64") {
		n = base64.StdEncoding.DecodedLen(len(s)) - strings.Count(s, "=")
	}
	if guessable && n < minSecret {
		l.warnAt(place, lint.ShortSecret, "a secret of %d bytes; one that cannot be guessed has %d or more", n, minSecret)
	}
	if _, ok := l.substituted[place]; !ok {
		l.warnAt(place, lint.WrittenSecret, "a secret in the file; write ${NAME} or ${file:path}")
	}
}

// hasPassword reports whether a connection string has a password: user:password@.
func hasPassword(conn string) bool {
	if _, rest, ok := strings.Cut(conn, "://"); ok {
		conn = rest
	}
	user, _, ok := strings.Cut(conn, "@")
	return ok && strings.Contains(user, ":")
}

// lintTokenKeys warns of keys that accept too much, and of rules that need a token
// when there is no key.
func (l *loader) lintTokenKeys() {
	tokens := l.doc.Key("auth").Key("tokens")
	eachIn(tokens, "auth.tokens", func(place string, k value.Value) {
		if isPlainHTTP(k.Key("introspect").Key("url")) {
			l.warnAt(place+".introspect.url", lint.PlainHTTP, "without TLS, everybody on the way can read tokens and the client's secret, and answer for the issuer")
		}
		set := "jwks"
		if k.Key("oidc").Kind() != value.Missing {
			set = "oidc"
		}
		if k.Key(set).Kind() == value.Missing {
			return
		}
		if k.Key("audience").Kind() == value.Missing {
			l.warnAt(rules.Join(place, set), lint.JWKSAudience, "no audience: a token that this issuer signed for another application is accepted")
		}
		for _, at := range []struct {
			place string
			url   value.Value
		}{{".jwks.url", k.Key("jwks").Key("url")}, {".oidc", k.Key("oidc")}, {".oidc.issuer", k.Key("oidc").Key("issuer")}} {
			if isPlainHTTP(at.url) {
				l.warnAt(place+at.place, lint.PlainHTTP, "without TLS, an attacker on the way can replace the issuer's keys by their own")
			}
		}
	})
	// A secret may be in a variable that is not set here.
	if len(l.p.JWKS) > 0 && len(l.p.Shared) == 0 && len(l.unset) == 0 {
		l.warnAt("auth.tokens", lint.UnsharedKeys, "no secret in the policy, so the proxy's workers cannot share key sets, and each fetches for itself; add companion: {secret: \"${COMPANION_SECRET}\"}")
	}
	if tokens.Len() > 0 {
		return
	}
	for _, r := range l.p.resources {
		if r.Auth.Reads() && !r.Auth.Optional() {
			l.warnAt(r.Place, lint.NoTokenKey, "needs a token, and auth.tokens has no key: every request is refused")
		}
	}
}

// isPlainHTTP reports whether a URL is without TLS, and not on this machine.
func isPlainHTTP(v value.Value) bool {
	address, ok := v.Text()
	u, err := issuerURL(address)
	return ok && err == nil && u.Scheme == "http" && !lint.IsLoopback(u.Host)
}

// lintSources warns of places of tokens that leak, or do not work as expected.
func (l *loader) lintSources() {
	for i, s := range l.p.Sources {
		place := rules.Elem("auth.from", i)
		switch {
		case s.Query != "":
			l.warnAt(place, lint.TokenInQuery, "URLs are kept in logs and browsers' histories, with their tokens")
		case s.Cookie != "" && s.Origins == nil:
			l.warnAt(place, lint.CookieOrigins, "the cookie's token is accepted for GET, HEAD, OPTIONS and TRACE only; where pages send it with other requests, name them: origins: [https://app.example]")
		case isLetter(s.Prefix):
			l.warnAt(rules.Join(place, "prefix"), lint.BearerPrefix, "no space at its end, so the token would begin with one; want %q", s.Prefix+" ")
		}
	}
}

// lintCORS warns of tokens that no page of another origin can send.
func (l *loader) lintCORS() {
	header := ""
	for _, s := range l.p.Sources {
		if header = s.Header; header == "" {
			return // a cookie or a parameter, which needs no preflight
		}
	}
	for _, r := range l.p.resources {
		if r.CORS == nil || !r.Auth.Reads() || slices.ContainsFunc(l.p.Sources, func(s Source) bool { return slices.Contains(r.CORS.Headers, s.Header) }) {
			continue
		}
		place := rules.Join(Parent(r.Place), "cors")
		if l.valueAt(place).Kind() == value.Missing {
			place = "cors"
		}
		l.warnAt(place, lint.CORSHeaders, "headers does not list %s, so pages cannot send their token", header)
	}
}

// isLetter reports whether a text ends with a letter.
func isLetter(s string) bool {
	if s == "" {
		return false
	}
	b := s[len(s)-1] | 0x20
	return b >= 'a' && b <= 'z'
}

// lintNoRules warns of entries that deny every request because they have no rule.
func (l *loader) lintNoRules() {
	if l.ruleCount == 0 {
		l.warnAt("routes", lint.NothingCovered, "no request is covered, so every request is denied")
		return
	}
	for _, p := range l.documents() {
		l.lintNoRulesIn(p)
	}
}

func (l *loader) lintNoRulesIn(p *part) {
	p.doc.Key("services").Each(func(name string, s value.Value) bool {
		l.lintNoRule(rules.Join(rules.Join(p.root, "services"), name), s.Key("endpoints"))
		return true
	})
	if events := p.doc.Key("events"); events.Kind() == value.Object {
		l.lintNoRule(rules.Join(p.root, "events"), events)
	}
	p.doc.Key("databases").Each(func(name string, d value.Value) bool {
		at := rules.Join(rules.Join(p.root, "databases"), name)
		if queries := d.Key("queries"); queries.Kind() == value.Object {
			l.lintNoRule(rules.Join(at, "queries"), queries)
		}
		collections := rules.Join(at, "collections")
		d.Key("collections").Each(func(col string, c value.Value) bool {
			l.lintNoRule(rules.Join(collections, col), c.Key("rules"))
			return true
		})
		return true
	})
	eachIn(p.doc.Key("files"), rules.Join(p.root, "files"), func(place string, f value.Value) { l.lintNoRule(place, f.Key("rules")) })
}

func (l *loader) lintNoRule(place string, rules value.Value) {
	if rules.Len() == 0 {
		l.warnAt(place, lint.NoRule, "no rule, so every request to it is denied")
	}
}
