package policy

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// challenge reads `auth.challenge`.
func (l *loader) challenge(v value.Value) {
	const place = "auth.challenge"
	if v.Kind() != value.Object {
		return
	}
	if v.Len() == 0 {
		l.fault(place, "want realm, scope or resourceMetadata")
	}
	c := &l.p.Challenge
	for _, p := range []struct {
		name string
		into *string
	}{{"realm", &c.Realm}, {"scope", &c.Scope}, {"resourceMetadata", &c.ResourceMetadata}} {
		*p.into = textOf(v.Key(p.name), "")
		at := rules.Join(place, p.name)
		switch {
		case !l.known(at):
		case strings.ContainsFunc(*p.into, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }):
			l.fault(at, "want printable ASCII without quotes and backslashes")
		case p.name == "scope" && *p.into != strings.Join(strings.Fields(*p.into), " "):
			l.fault(at, "want scopes with one space between them")
		case p.name == "resourceMetadata" && *p.into != "" && !isWebURL(*p.into):
			l.fault(at, "want an https URL, such as https://api.example/.well-known/oauth-protected-resource")
		}
	}
}

// isWebURL reports whether a text is a URL that clients can fetch, without a
// user and a fragment. http is for development.
func isWebURL(text string) bool {
	u, err := httpfield.ParseURL(text)
	return err == nil && !u.HasUser && !strings.Contains(text, "#")
}
