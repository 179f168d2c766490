package policy

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// sources reads where tokens are looked for.
func (l *loader) sources(from value.Value) {
	if from.Kind() != value.Array {
		l.p.Sources = []Source{{Header: "authorization", Prefix: "Bearer "}}
		return
	}
	i := -1
	from.Each(func(_ string, v value.Value) bool {
		i++
		place := rules.Elem("auth.from", i)
		s, ok := l.source(v, place)
		for _, other := range l.p.Sources {
			if ok && other.Header == s.Header && other.Cookie == s.Cookie && other.Query == s.Query {
				l.fault(place, "looked at already")
			}
		}
		l.p.Sources = append(l.p.Sources, s)
		return true
	})
}

// source reads one place; ok says that it can be compared with others.
func (l *loader) source(v value.Value, place string) (s Source, ok bool) {
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
			l.fault(rules.Join(place, k.name), "is for `%s` alone", k.of)
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
		l.fault(rules.Join(place, "header"), "browsers send it with whatever page's requests; write `cookie` and its name, which asks for their origin")
	}
	absent := ""
	if s.Header == "authorization" {
		absent = "Bearer "
	}
	s.Prefix = textOf(v.Key("prefix"), absent)
	if !isFieldText(s.Prefix) {
		l.fault(rules.Join(place, "prefix"), "no header can begin so")
	}
}

func (l *loader) cookieSource(s *Source, v value.Value, place string) {
	s.Cookie = textOf(v.Key("cookie"), "")
	if s.Cookie != "" && !httpfield.IsToken(s.Cookie) { // RFC 6265, section 4.1.1
		l.fault(rules.Join(place, "cookie"), "not the name of a cookie")
	}
	origins := v.Key("origins")
	s.Origins = words(origins)
	for i := range origins.Len() {
		if o := textOf(origins.At(i), ""); o != "" {
			if fault := originFault(o); fault != "" {
				l.fault(rules.Elem(rules.Join(place, "origins"), i), "%s", fault)
			}
		}
	}
}

// claimHeaders reads which claims go into which headers.
func (l *loader) claimHeaders(v value.Value) {
	names := map[string]string{}
	v.Each(func(name string, claim value.Value) bool {
		place := rules.Join("auth.claimsToHeaders", name)
		h := ClaimHeader{Header: strings.ToLower(name)}
		if fault := headerFault(h.Header); fault != "" {
			l.fault(place, "%s", fault)
		}
		if other, ok := names[httpfield.Fold(name)]; ok {
			l.fault(place, "the same header as %q: servers take _ for -, and do not tell A from a", other)
		}
		names[httpfield.Fold(name)] = name
		path := textOf(claim, "")
		h.Path = strings.Split(path, ".")
		switch {
		case path == "":
		case strings.HasPrefix(path, "args."):
			l.fault(place, "want the path of a claim, such as id")
		case slices.Contains(h.Path, ""):
			l.fault(place, "a path with an empty key")
		}
		l.p.ClaimHeaders = append(l.p.ClaimHeaders, h)
		return true
	})
}
