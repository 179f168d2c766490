package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// Warning is about a part of a policy that is valid and probably not meant.
type Warning struct {
	Place, Message string
	Code           Code
}

func (w Warning) Error() string {
	return rules.Fault{Place: w.Place, Message: w.Message}.Error() + " [" + string(w.Code) + "]"
}

// Warn returns the warnings about a resource's rules.
func Warn(r *Resource) []Warning {
	w := &warner{r: r, trace: traceOf(r)}
	w.rule(r.Rule.Spec, r.Rule.Place, 0)
	w.rule(r.Response.Spec, r.Response.Place, 0)
	for i := range w.trace.steps {
		w.step(i, &w.trace.steps[i])
	}
	w.catchAll()
	w.captures()
	return w.warnings
}

// warner collects the warnings about a resource.
type warner struct {
	r        *Resource
	trace    *trace
	warnings []Warning
}

func (w *warner) warn(code Code, place, format string, a ...any) {
	warning := Warning{Place: place, Message: fmt.Sprintf(format, a...), Code: code}
	if !slices.Contains(w.warnings, warning) {
		w.warnings = append(w.warnings, warning)
	}
}

// rule looks at the structure of a rule and of the rules inside it.
func (w *warner) rule(spec value.Value, place string, depth int) {
	if depth > 64 {
		return
	}
	kind, _ := spec.Key("rule").Text()
	clause, at := spec.Key("clause"), rules.Join(place, "clause")
	switch kind {
	case "and", "or":
		w.clauses(spec, rules.Join(place, "clauses"), kind, depth)
	case "use":
		name, _ := spec.Key("of").Text()
		if w.r.Define != nil {
			if named, defined, ok := w.r.Define(name); ok {
				w.rule(named, defined, depth+1)
			}
		}
	case "force", "remove", "keep", "encrypt", "decrypt", "hash":
		if always := w.constant(clause, 0); always != "" {
			w.warn(ConstantGuard, at, "always %s, so the action %s", always, map[string]string{"yes": "needs no clause", "no": "never happens"}[always])
		}
	case "each":
		w.clauses(spec, rules.Join(place, "clauses"), kind, depth)
	}
	if clause.Kind() == value.Object {
		w.rule(clause, at, depth+1)
	}
	switch kind {
	case "encrypt":
		if algorithm, _ := spec.Key("algorithm").Text(); algorithm == "" || algorithm == "aes-cfb" {
			w.warn(AESCFB, place, "aes-cfb shows which values are equal and does not notice changes; unless existing data needs it, set algorithm: aes-gcm")
		}
	case "webhook":
		url, _ := spec.Key("url").Text()
		if rest, ok := strings.CutPrefix(strings.ToLower(url), "http://"); ok && !IsLoopback(rest) {
			w.warn(PlainHTTP, rules.Join(place, "url"), "http: the token and the body go unencrypted; use https")
		}
	case "match":
		w.roles(spec, place)
	}
}

func (w *warner) clauses(spec value.Value, place, kind string, depth int) {
	dead, i := false, 0
	spec.Key("clauses").Each(func(_ string, c value.Value) bool {
		at := rules.Elem(place, i)
		always := w.constant(c, 0)
		switch {
		case dead:
			w.warn(Unreachable, at, "never reached: the clause before it is always no")
			return false
		case kind == "or" && always == "yes":
			w.warn(OrAllow, at, "always yes, so the whole or is always yes")
		}
		dead = kind == "and" && always == "no"
		w.rule(c, at, depth+1)
		i++
		return true
	})
}

// constant returns yes or no for a rule that is always that, else "".
func (w *warner) constant(spec value.Value, depth int) string {
	kind, _ := spec.Key("rule").Text()
	switch kind {
	case "allow":
		return "yes"
	case "deny":
		return "no"
	case "not":
		return map[string]string{"yes": "no", "no": "yes"}[w.constant(spec.Key("clause"), depth+1)]
	case "use":
		name, _ := spec.Key("of").Text()
		if w.r.Define != nil && depth < 64 {
			if named, _, ok := w.r.Define(name); ok {
				return w.constant(named, depth+1)
			}
		}
	case "and", "or":
		// An and is always yes if all clauses are, an or always no.
		all, decides := "yes", "no"
		if kind == "or" {
			all, decides = "no", "yes"
		}
		result, n := all, 0
		spec.Key("clauses").Each(func(_ string, c value.Value) bool {
			n++
			switch w.constant(c, depth+1) {
			case all:
			case decides:
				if n == 1 || kind == "or" {
					result = decides
				} else {
					result = ""
				}
				return false
			default:
				result = ""
			}
			return true
		})
		if n > 0 {
			return result
		}
	}
	return ""
}

// roles warns of contains on roles and scopes.
func (w *warner) roles(spec value.Value, place string) {
	eval, _ := spec.Key("eval").Text()
	f1, _ := spec.Key("f1").Text()
	if eval != "contains" {
		return
	}
	for _, ref := range rules.References(f1, true) {
		last := strings.ToLower(ref.Keys[len(ref.Keys)-1].Name)
		for _, word := range []string{"role", "scope", "scp", "group", "permission"} {
			if strings.Contains(last, word) && len(ref.Keys) > 1 {
				w.warn(ContainsRole, rules.Join(place, "eval"), "contains finds a part of %s: superadmin contains admin", ref.Text)
				return
			}
		}
	}
}

// step looks at one thing that the rules do.
func (w *warner) step(i int, s *step) {
	if s.action != readPath || s.ref.root != "args" {
		return
	}
	keys := s.ref.keys
	if s.guard && !s.item && !s.response && isInput(keys) && !s.ref.exists && !s.withDefault && !w.asked(i, keys) {
		w.warn(OptionalInput, s.place, "%s need not be there, and without it the request is denied", s.ref.text)
	}
	if keys[0].Name == rules.RootParams && w.r.Path != "" && w.onlyQuery() && !s.response {
		switch {
		case len(keys) > 2 && !keys[1].Computed:
			w.warn(QueryParams, s.place, "%s: the query parameters of %s are strings, without members", s.ref.text, strings.Join(w.r.Methods, ", "))
		case len(keys) == 2 && (s.typ == "number" || s.typ == "bool"):
			w.warn(QueryParams, s.place, "%s: the query parameters of %s are strings", s.ref.text, strings.Join(w.r.Methods, ", "))
		}
	}
}

// isInput reports whether a path leads to a header, a parameter or a member of
// the body, which a request need not have.
func isInput(keys []rules.Key) bool {
	switch keys[0].Name {
	case rules.RootParams:
		return len(keys) > 1
	case rules.RootRequest:
		return len(keys) > 2 && (keys[1].Name == "headers" || keys[1].Name == "query")
	}
	return false
}

// asked reports whether a step before the i-th asks whether a path is there, or
// needs it outside of a guard.
func (w *warner) asked(i int, keys []rules.Key) bool {
	for _, s := range w.trace.steps[:i] {
		if s.action == readPath && s.ref.root == "args" && (s.ref.exists || !s.guard) && overlap(s.ref.keys, keys) && len(s.ref.keys) >= len(keys) {
			return true
		}
		if s.action == writePath && s.rule == "force" && overlap(s.ref.keys, keys) {
			return true
		}
	}
	return false
}

func (w *warner) onlyQuery() bool {
	for _, m := range w.r.Methods {
		if m != "GET" && m != "HEAD" && m != "DELETE" {
			return false
		}
	}
	return len(w.r.Methods) > 0
}

// catchAll warns of a route for all paths that lets every request through.
func (w *warner) catchAll() {
	inner, ok := strings.CutPrefix(w.r.Path, "/{")
	if ok && strings.HasSuffix(inner, "...}") && !strings.Contains(inner, "/") && w.constant(w.r.Rule.Spec, 0) == "yes" {
		w.warn(AllowAll, w.r.Rule.Place, "every path of the host is let through; name the public ones, such as /assets/{rest...}")
	}
}

// IsLoopback reports whether a URL, without its scheme, names this machine.
func IsLoopback(rest string) bool {
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
