package compare

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
)

// target is the part of a request by which a policy finds the resource.
type target struct {
	method, host string
	event        string   // the type of an event; "": it is none
	segments     []string // of the path, decoded
	free         []freeSegment
}

// freeSegment is a segment of a path that no pattern spells out, but for a text
// behind its variable.
type freeSegment struct {
	index  int
	suffix string
}

func (t *target) path() string {
	if len(t.segments) == 0 {
		return "/"
	}
	var b strings.Builder
	for _, s := range t.segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

func (t *target) compare(u *target) int {
	return cmp.Or(
		cmp.Compare(methodRank(t.method), methodRank(u.method)), cmp.Compare(len(t.segments), len(u.segments)),
		cmp.Compare(len(t.host), len(u.host)), cmp.Compare(t.host, u.host),
		cmp.Compare(len(t.path()), len(u.path())), slices.Compare(t.segments, u.segments),
		cmp.Compare(len(t.event), len(u.event)), cmp.Compare(t.event, u.event))
}

func methodRank(m string) int {
	if m == "HEAD" {
		return 1 // beside GET
	}
	return 2 * slices.Index(httpfield.Methods, m)
}

// meeting is a pair of resources that decide the same requests, one of each
// policy. Either may be nil: the policy refuses these requests unread.
type meeting struct {
	resources [2]*policy.Resource
	targets   []*target // one of each class of requests, the simplest first
}

// meetings lists the pairs of resources that decide some request, each with
// requests that stand for all of the pair: the router of neither policy tells
// another request of the same class apart. Pairs of two nils are left out.
func meetings(policies [2]*policy.Policy) []*meeting {
	patterns := slices.Concat(policies[0].Patterns(), policies[1].Patterns())
	byPair := map[[2]*policy.Resource]*meeting{}
	var out []*meeting
	for _, host := range hosts(patterns) {
		covered := slices.DeleteFunc(slices.Clone(patterns), func(p route.Pattern) bool { return !p.Covered(host) })
		for _, t := range paths(covered) {
			for _, method := range methods(covered, t.segments) {
				for _, event := range events(covered, t.segments) {
					at := &target{method, host, event, t.segments, t.free}
					pair := resources(policies, at)
					if pair == [2]*policy.Resource{} {
						continue
					}
					m := byPair[pair]
					if m == nil {
						m = &meeting{resources: pair}
						byPair[pair] = m
						out = append(out, m)
					}
					m.targets = append(m.targets, at)
				}
			}
		}
	}
	for _, m := range out {
		slices.SortStableFunc(m.targets, (*target).compare)
	}
	slices.SortStableFunc(out, func(a, b *meeting) int { return slices.Compare(a.targets[0].segments, b.targets[0].segments) })
	return out
}

// resources returns the resource of each policy that decides the requests of a
// target.
func resources(policies [2]*policy.Policy, t *target) (pair [2]*policy.Resource) {
	for i, p := range policies {
		if m, err := p.Find(t.method, t.host, t.path()); err == nil {
			if pair[i] = m.Resource; m.HasTypes() {
				pair[i] = m.Of(t.event)
			}
		}
	}
	return pair
}

// hosts returns one host for each set of patterns that cover it: the hosts that
// patterns spell out, one below each wildcard, and one that none names.
func hosts(patterns []route.Pattern) []string {
	var out, wild []string
	for _, p := range patterns {
		end, isWild := strings.CutPrefix(p.Host, "*")
		switch {
		case isWild:
			wild = appendNew(wild, end)
		case p.Host != "":
			out = appendNew(out, p.Host)
		}
	}
	for _, end := range wild {
		out = append(out, fresh("x", func(label string) bool { return slices.Contains(out, label+end) })+end)
	}
	named := func(host string) bool {
		return slices.ContainsFunc(patterns, func(p route.Pattern) bool { return p.Host != "" && p.Covered(host) })
	}
	return append([]string{fresh(defaultHost, named)}, out...)
}

// fresh returns the text, or with a number behind it, that is not taken.
func fresh(text string, taken func(string) bool) string {
	for n := 1; ; n++ {
		if s := text + number(n); !taken(s) {
			return s
		}
	}
}

// number is n as the end of a name, "" for the first.
func number(n int) string {
	if n == 1 {
		return ""
	}
	return strconv.Itoa(n)
}

// methods lists the methods that a pattern names for a path, the common ones and
// one that none names, the simplest first.
func methods(patterns []route.Pattern, segments []string) []string {
	out := []string{"GET", "POST"}
	for _, p := range patterns {
		if fits(p.Path, segments) {
			for _, m := range p.Methods {
				out = appendNew(out, m)
			}
		}
	}
	for _, m := range httpfield.Methods {
		if !slices.Contains(out, m) {
			out = append(out, m)
			break
		}
	}
	return out
}

// events lists the types of events that a pattern names for a path, and one that none
// names; "" alone where the path is not that of events.
func events(patterns []route.Pattern, segments []string) (out []string) {
	for _, p := range patterns {
		if p.Event != "" && fits(p.Path, segments) {
			out = appendNew(out, p.Event)
		}
	}
	if out == nil {
		return []string{""}
	}
	return append(out, fresh("event", func(name string) bool { return slices.Contains(out, name) }))
}

func fits(t route.Template, segments []string) bool {
	for i, s := range segments {
		if !t.Fits(i, s) {
			return false
		}
	}
	return t.Ends(len(segments))
}

// paths returns one path for each set of patterns that cover it.
func paths(patterns []route.Pattern) []*target {
	w := pathWalk{seen: map[string]bool{}}
	var all []int
	for _, p := range patterns {
		same := func(t route.Template) bool { return slices.Equal(t, p.Path) }
		if !slices.ContainsFunc(w.templates, same) {
			all = append(all, len(w.templates))
			w.templates = append(w.templates, p.Path)
		}
	}
	w.walk(all, nil, nil)
	return w.found
}

// pathWalk finds the paths by a walk through all templates at once.
type pathWalk struct {
	templates []route.Template
	seen      map[string]bool // depths with the templates that fit there
	found     []*target
}

// walk goes on behind the segments, which all the fitting templates fit.
func (w *pathWalk) walk(fitting []int, segments []string, free []freeSegment) {
	i, ends, longest := len(segments), false, 0
	key := fmt.Sprint(i, fitting)
	if w.seen[key] {
		return
	}
	w.seen[key] = true
	var texts, suffixes []string
	for _, at := range fitting {
		t := w.templates[at]
		ends = ends || t.Ends(i)
		longest = max(longest, len(t))
		if text := t.Literal(i); text != "" {
			texts = appendNew(texts, text)
		}
		if suffix := t.Suffix(i); suffix != "" {
			suffixes = appendNew(suffixes, suffix)
		}
	}
	if ends {
		w.found = append(w.found, &target{segments: slices.Clone(segments), free: slices.Clone(free)})
	}
	if i > longest { // only rests go on, and nothing new comes
		return
	}
	// The free texts first: their requests stand for those of a literal that leads to
	// the same templates.
	for _, suffix := range append([]string{""}, suffixes...) {
		text := fresh("x", func(s string) bool { return slices.Contains(texts, s+suffix) }) + suffix
		w.step(fitting, append(segments[:i:i], text), append(free[:len(free):len(free)], freeSegment{i, suffix}))
	}
	for _, text := range texts {
		w.step(fitting, append(segments[:i:i], text), free)
	}
}

// step walks on with the templates that fit one more segment.
func (w *pathWalk) step(among []int, segments []string, free []freeSegment) {
	i := len(segments) - 1
	var fitting []int
	for _, at := range among {
		if w.templates[at].Fits(i, segments[i]) {
			fitting = append(fitting, at)
		}
	}
	if len(fitting) > 0 {
		w.walk(fitting, segments, free)
	}
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// defaultHost is the host of requests where no route has one.
const defaultHost = "localhost"
