package policy

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// introspect reads `introspect` and `cache` of an entry of auth.tokens into k.
func (l *loader) introspect(entry value.Value, place string, k *token.Key) {
	v, at := entry.Key("introspect"), rules.Join(place, "introspect")
	if v.Kind() != value.Object {
		if entry.Key("cache").Kind() != value.Missing {
			l.fault(rules.Join(place, "cache"), "is for an entry with `introspect`")
		}
		return
	}
	k.Introspect, k.Cache = true, durationOf(entry.Key("cache"), 0)
	i := Issuer{URL: textOf(v.Key("url"), ""), ClientID: textOf(v.Key("clientId"), ""), Secret: textOf(v.Key("clientSecret"), "")}
	if url := rules.Join(at, "url"); i.URL != "" && l.known(url) {
		if _, err := issuerURL(i.URL); err != nil {
			l.fault(url, "%v", err)
		}
	}
	if v.Key("clientSecret").Kind() == value.Missing && !l.o.Module {
		l.fault(rules.Join(at, "clientSecret"), "missing; want string")
	}
	for _, other := range l.p.Issuers {
		if other.URL == i.URL && other.ClientID == i.ClientID && other.Secret != i.Secret {
			l.fault(rules.Join(at, "clientSecret"), "another entry has the same url and clientId with another secret")
			break
		}
	}
	l.p.Issuers = append(l.p.Issuers, i)
	l.p.Calls = true
	if l.firstCall == "" {
		l.firstCall = at
	}
}
