package policy

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// tokenSources reads `auth.from`.
func (l *loader) tokenSources(from value.Value) {
	if from.Kind() != value.Array {
		l.p.Sources = []Source{{Header: "authorization", Prefix: "Bearer "}}
		return
	}
	eachIn(from, "auth.from", func(place string, v value.Value) {
		s, ok := l.tokenSource(v, place)
		for _, other := range l.p.Sources {
			same := other.Header == s.Header && other.Cookie == s.Cookie && other.Query == s.Query
			// A header may hold tokens of several schemes.
			if ok && same && sharePrefix(other.Prefix, s.Prefix) {
				l.fault(place, "an entry above names this place already")
				break
			}
		}
		l.p.Sources = append(l.p.Sources, s)
	})
}

// sharePrefix reports whether one value of a header can begin with both prefixes.
func sharePrefix(a, b string) bool {
	n := min(len(a), len(b))
	return strings.EqualFold(a[:n], b[:n])
}

// tokenSource reads one entry. Ok reports whether it names a place.
func (l *loader) tokenSource(v value.Value, place string) (s Source, ok bool) {
	if v.Kind() != value.Object {
		return s, false
	}
	kind := ""
	for _, k := range []string{"header", "cookie", "query"} {
		switch {
		case v.Key(k).Kind() == value.Missing:
		case kind != "":
			l.fault(place, "want one of `header`, `cookie` and `query`; another place is another entry")
			return s, false
		default:
			kind = k
		}
	}
	for _, k := range []struct{ name, of string }{{"prefix", "header"}, {"origins", "cookie"}} {
		if kind != "" && kind != k.of && v.Key(k.name).Kind() != value.Missing {
			l.fault(rules.Join(place, k.name), "only for a `%s`", k.of)
		}
	}
	switch kind {
	case "":
		l.fault(place, "want `header`, `cookie` or `query`")
	case "header":
		l.headerSource(&s, v, place)
	case "cookie":
		l.cookieSource(&s, v, place)
	case "query":
		s.Query = textOf(v.Key("query"), "")
	}
	return s, s.Header+s.Cookie+s.Query != ""
}

func (l *loader) headerSource(s *Source, v value.Value, place string) {
	s.Header = strings.ToLower(textOf(v.Key("header"), ""))
	if s.Header != "" && !httpfield.IsToken(s.Header) {
		l.fault(rules.Join(place, "header"), "not the name of a header")
	}
	if s.Header == "cookie" {
		l.fault(rules.Join(place, "header"), "browsers send cookies with requests of any page; write `cookie` and its name, so that the origin is checked")
	}
	absent := ""
	if s.Header == "authorization" {
		absent = "Bearer "
	}
	s.Prefix = textOf(v.Key("prefix"), absent)
	if !canStartField(s.Prefix) {
		l.fault(rules.Join(place, "prefix"), "no header's value can begin with this text")
	}
}

// canStartField reports whether the value of a header can begin with s.
func canStartField(s string) bool {
	for _, b := range []byte(s) {
		if b < ' ' || b == 0x7f {
			return false
		}
	}
	return !strings.HasPrefix(s, " ")
}

func (l *loader) cookieSource(s *Source, v value.Value, place string) {
	s.Cookie = textOf(v.Key("cookie"), "")
	if s.Cookie != "" && !httpfield.IsToken(s.Cookie) { // RFC 6265, section 4.1.1
		l.fault(rules.Join(place, "cookie"), "not the name of a cookie")
	}
	s.Origins = textsOf(v.Key("origins"))
	for i, o := range s.Origins {
		if o == "" {
			continue // schema.Check reports it
		}
		if err := checkOrigin(o); err != nil {
			l.fault(rules.Elem(rules.Join(place, "origins"), i), "%v", err)
		}
	}
}
