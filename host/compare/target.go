package compare

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// targets returns the targets that stand for all of a meeting, as far as its rules
// read the method, the host and the path.
func (x *explorer) targets() []*target {
	var method, host, path, vars []*place // that are read
	x.space.root.all(func(p *place) {
		if p.domain != targeted || !p.read && !p.copied {
			return
		}
		switch keys := p.keys(); keys[len(keys)-1] {
		case "method":
			method = append(method, p)
		case "host":
			host = append(host, p)
		case "path":
			path = append(path, p)
		default:
			vars = append(vars, p)
		}
	})
	out := x.different(len(method) > 0, len(host) > 0, len(path)+len(vars) > 0)
	out = x.vary(out, vars, x.setVariable)
	out = x.vary(out, method, func(t *target, _ *place, s string) bool {
		t.method = s
		return httpfield.IsMethod(s)
	})
	out = x.vary(out, host, func(t *target, _ *place, s string) bool {
		t.host = s
		return httpfield.IsAuthority(s) && s != "" && strings.ToLower(s) == s
	})
	out = x.vary(out, path, func(t *target, _ *place, s string) bool {
		var ok bool
		t.segments, ok = segmentsOf(s)
		return ok
	})
	slices.SortStableFunc(out, (*target).compare)
	return out
}

// different lists the targets of the meeting that differ in a part that rules read.
func (x *explorer) different(method, host, path bool) (out []*target) {
	seen := map[string]bool{}
	for _, t := range x.meeting.targets {
		key := ""
		if method {
			key += t.method
		}
		if host {
			key += " " + t.host
		}
		if path {
			key += " " + t.path()
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, t)
		}
	}
	return out
}

// vary adds targets with other values of the places, if the same resources decide
// them.
func (x *explorer) vary(all []*target, places []*place, set func(*target, *place, string) bool) []*target {
	for _, p := range places {
		for _, t := range all[:len(all):len(all)] {
			for _, v := range x.space.valuesOf(p) {
				s, ok := v.value.Text()
				changed := *t
				changed.segments = slices.Clone(t.segments)
				if !ok || !set(&changed, p, s) || resources(x.policies, &changed) != x.meeting.resources ||
					x.only != nil && !fits(x.only, changed.segments) {
					continue
				}
				if !slices.ContainsFunc(all, func(o *target) bool { return o.compare(&changed) == 0 }) {
					all = append(all, &changed)
				}
			}
		}
		if len(all) > manyValues {
			x.space.notes.text("more than " + strconv.Itoa(manyValues) + " paths, some were left out")
			slices.SortStableFunc(all, (*target).compare)
			all = all[:manyValues]
		}
	}
	return all
}

// setVariable gives a variable of the path a value.
func (x *explorer) setVariable(t *target, p *place, s string) bool {
	side, name := 0, p.key
	if n, ok := strings.CutSuffix(p.key, otherSide); ok {
		side, name = 1, n
	}
	at, isRest, ok := x.position(t, side, name)
	if !ok {
		return false
	}
	if !isRest {
		t.segments[at.index] = s + at.suffix
		return s != ""
	}
	rest, ok := segmentsOf("/" + s)
	t.segments = append(t.segments[:at.index], rest...)
	return ok
}

// position returns the segment that a variable captures, the first one for a rest.
func (x *explorer) position(t *target, side int, name string) (at freeSegment, isRest, ok bool) {
	marked := *t
	marked.segments = slices.Clone(t.segments)
	for n, f := range t.free {
		marked.segments[f.index] = "free" + strconv.Itoa(n) + f.suffix
	}
	text, ok := x.variables(&marked, side).Key(name).Text()
	switch first, _, _ := strings.Cut(text, "/"); {
	case !ok:
		return at, false, false
	case text == "":
		return freeSegment{index: len(t.segments)}, true, true
	case x.isRest(side, name):
		return freeSegment{index: len(t.segments) - 1 - strings.Count(text, "/")}, true, true
	default:
		n, err := strconv.Atoi(strings.TrimPrefix(first, "free"))
		if err != nil || n >= len(t.free) {
			return at, false, false
		}
		return t.free[n], false, true
	}
}

// isRest reports whether a variable of a route captures all segments that remain.
func (x *explorer) isRest(side int, name string) bool {
	longer := *x.meeting.targets[0]
	for _, t := range x.meeting.targets {
		if len(t.segments) >= len(longer.segments) {
			longer = *t
		}
	}
	longer.segments = append(slices.Clone(longer.segments), "more")
	m, err := x.policies[side].Find(longer.method, longer.host, longer.path())
	if err != nil || m.Resource != x.meeting.resources[side] {
		return false
	}
	text, _ := value.Obj(m.Vars...).Key(name).Text()
	return strings.HasSuffix(text, "more")
}

// variables are the variables of a target's path, as one policy names them.
func (x *explorer) variables(t *target, side int) value.Value {
	m, err := x.policies[side].Find(t.method, t.host, t.path())
	if err != nil {
		return value.Value{}
	}
	return value.Obj(m.Vars...)
}

// segmentsOf splits a decoded path.
func segmentsOf(path string) ([]string, bool) {
	if !strings.HasPrefix(path, "/") || len(path) > 200 {
		return nil, false
	}
	if path = strings.TrimSuffix(path[1:], "/"); path == "" {
		return nil, true
	}
	return strings.Split(path, "/"), true
}

func (t *target) cost() int { return len(t.path()) + methodRank(t.method) }

// args adds the parts of args that a target tells.
func (x *explorer) withTarget(args value.Value, t *target, side int) value.Value {
	vars := x.variables(t, side)
	if r := x.meeting.resources[side]; r != nil && r.Kind == policy.File {
		args = args.With(rules.RootParams, vars)
	}
	return args.With(rules.RootRequest, value.Obj(
		value.Member{Key: "method", Value: value.Str(t.method)},
		value.Member{Key: "host", Value: value.Str(t.host)},
		value.Member{Key: "path", Value: value.Str(t.path())},
		value.Member{Key: "vars", Value: vars}))
}
