package policy

import (
	"errors"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
)

// Log says which decisions are logged, and with what.
type Log struct {
	Claims []LogPart // of the claims
	Body   []LogPart // of args
	Sample float64
	Always []string // outcomes that are logged whatever Sample says
	To     []string // of schema.Sinks
}

// LogPart is a part of a request that is logged.
type LogPart struct {
	Path string   // as the policy spells it
	Keys []string // from the claims down, or from args
}

// log reads `log`.
func (l *loader) log() {
	v := l.doc.Key("log")
	if v.Kind() != value.Object {
		return
	}
	log := &Log{Sample: 1, Always: []string{"no", "unknown", "error"}, To: []string{"log", "metadata"}}
	if f, ok := schema.FractionOf(v.Key("sample")); ok {
		log.Sample = f
	}
	if list := textsOf(v.Key("always")); list != nil {
		log.Always = list
	}
	if list := textsOf(v.Key("to")); list != nil {
		log.To = list
	}
	log.Claims = l.logParts(v.Key("claims"), "log.claims", claimPath)
	log.Body = l.logParts(v.Key("body"), "log.body", bodyPath)
	l.p.Log = log
}

func (l *loader) logParts(list value.Value, place string, read func(path string) ([]string, error)) (out []LogPart) {
	eachIn(list, place, func(at string, v value.Value) {
		path, ok := v.Text()
		if !ok || path == "" || !l.known(at) {
			return // schema.Check reports it
		}
		if slices.ContainsFunc(out, func(p LogPart) bool { return p.Path == path }) {
			l.fault(at, "%s is listed already", path)
			return
		}
		keys, err := read(path)
		if err != nil {
			l.fault(at, "%v", err)
			return
		}
		out = append(out, LogPart{path, keys})
	})
	return out
}

// bodyPath reads a path into args whose values may be logged.
func bodyPath(path string) ([]string, error) {
	refs := rules.References(path, false)
	if len(refs) != 1 || !strings.HasPrefix(path, "args.") {
		return nil, errors.New("want a path such as args.params.order")
	}
	var keys []string
	for _, k := range refs[0].Keys {
		keys = append(keys, k.Name)
	}
	switch keys[0] {
	case rules.RootToken:
		return nil, errors.New("a token is never logged")
	case rules.RootAuth:
		return nil, errors.New("want the claim under log.claims")
	case rules.RootResult, rules.RootRes, rules.RootResponse:
		return nil, errors.New("want a part of the request")
	case rules.RootRequest:
		if len(keys) < 3 {
			return nil, errors.New("want one header or parameter, such as args.request.query.page")
		}
	}
	return keys, nil
}

// reviewLog refuses values that are never shown. The module need not: it gets no
// policy with a fault.
func (l *loader) reviewLog() {
	if l.p.Log == nil {
		return
	}
	check := func(place string, part LogPart, keys []string) {
		if l.isSecret(keys) {
			l.fault(place, "%s holds a token, which is never logged", part.Path)
		}
		for _, hidden := range l.p.Sensitive {
			if within(keys, hidden) || within(hidden, keys) {
				l.fault(place, "%s is among `sensitive`, which no log shows", part.Path)
				return
			}
		}
	}
	for i, part := range l.p.Log.Claims {
		check(rules.Elem("log.claims", i), part, append([]string{rules.RootAuth}, part.Keys...))
	}
	for i, part := range l.p.Log.Body {
		check(rules.Elem("log.body", i), part, part.Keys)
	}
	if l.p.Log.Sample == 0 && len(l.p.Log.Always) == 0 {
		l.warnAt("log", lint.LogsNothing, "sample is 0 and always is empty, so no decision is logged")
	}
}

// isSecret reports whether the path is that of a token or a cookie.
func (l *loader) isSecret(keys []string) bool {
	if keys[0] != rules.RootRequest && keys[0] != rules.RootParams {
		return false
	}
	if keys[0] == rules.RootRequest && keys[1] == "headers" {
		switch keys[2] {
		case "authorization", "proxy-authorization", "cookie":
			return true
		}
	}
	for _, src := range l.p.Sources {
		switch {
		case src.Header != "" && within(keys, []string{rules.RootRequest, "headers", src.Header}),
			src.Query != "" && within(keys, []string{rules.RootRequest, "query", src.Query}),
			src.Query != "" && within(keys, []string{rules.RootParams, src.Query}):
			return true
		}
	}
	return false
}

// within reports whether keys lead to the value at outer, or to a part of it.
func within(keys, outer []string) bool {
	if len(keys) < len(outer) {
		return false
	}
	for i, k := range outer {
		if keys[i] != k {
			return false
		}
	}
	return true
}
