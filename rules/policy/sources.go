package policy

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
)

// sources reads where tokens are looked for.
func (l *loader) sources(from rules.Value) {
	if from.Kind() != rules.Array {
		l.p.Sources = []Source{{Header: "authorization", Prefix: "Bearer "}}
		return
	}
	i := -1
	from.Each(func(_ string, v rules.Value) bool {
		i++
		place := rules.Elem("auth.from", i)
		s, ok := l.source(v, place)
		for _, other := range l.p.Sources {
			if ok && other.Header == s.Header && other.Query == s.Query {
				l.fault(place, "looked at already")
			}
		}
		l.p.Sources = append(l.p.Sources, s)
		return true
	})
}

func (l *loader) source(v rules.Value, place string) (s Source, ok bool) {
	header, query := v.Key("header"), v.Key("query")
	if v.Kind() != rules.Object || v.Key("cookie").Kind() != rules.Missing {
		return s, false
	}
	switch {
	case header.Kind() == rules.Missing && query.Kind() == rules.Missing:
		l.fault(place, "want `header` or `query`")
		return s, false
	case header.Kind() != rules.Missing && query.Kind() != rules.Missing:
		l.fault(place, "want one of `header` and `query`; another place is another entry")
		return s, false
	case query.Kind() != rules.Missing:
		s.Query = textOf(query, "")
		if v.Key("prefix").Kind() != rules.Missing {
			l.fault(rules.Join(place, "prefix"), "is for `header` alone")
		}
		return s, s.Query != ""
	}
	s.Header = strings.ToLower(textOf(header, ""))
	if s.Header != "" && !isToken(s.Header) {
		l.fault(rules.Join(place, "header"), "not the name of a header")
	}
	absent := ""
	if s.Header == "authorization" {
		absent = "Bearer "
	}
	s.Prefix = textOf(v.Key("prefix"), absent)
	if !isFieldText(s.Prefix) {
		l.fault(rules.Join(place, "prefix"), "no header can begin so")
	}
	return s, s.Header != ""
}

// claimHeaders reads which claims go into which headers.
func (l *loader) claimHeaders(v rules.Value) {
	names := map[string]string{}
	v.Each(func(name string, claim rules.Value) bool {
		place := rules.Join("auth.claimsToHeaders", name)
		h := ClaimHeader{Header: strings.ToLower(name)}
		if fault := headerFault(h.Header); fault != "" {
			l.fault(place, "%s", fault)
		}
		if other, ok := names[foldHeader(name)]; ok {
			l.fault(place, "the same header as %q: servers take _ for -, and do not tell A from a", other)
		}
		names[foldHeader(name)] = name
		path := textOf(claim, "")
		h.Path = strings.Split(path, ".")
		switch {
		case path == "":
		case strings.HasPrefix(path, "args."):
			l.fault(place, "want the path of a claim, such as id")
		case contains(h.Path, ""):
			l.fault(place, "a path with an empty key")
		}
		l.p.ClaimHeaders = append(l.p.ClaimHeaders, h)
		return true
	})
}
