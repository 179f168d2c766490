package compare

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Policy is a policy that is compared.
type Policy struct {
	*policy.Policy
	Doc     value.Value    // as it is in the file
	Options policy.Options // with which it was loaded
}

// Options bound a comparison. The zero Options are the defaults.
type Options struct {
	Max      int    // requests in all; 0: DefaultMax
	Seed     uint64 // of the requests that are chosen at random
	Progress func(done, all int)
}

// DefaultMax is the number of requests that a comparison decides at most.
const DefaultMax = 100_000

// Report is the result of a comparison.
type Report struct {
	Differences []*Difference // the gravest first
	Pairs       int           // of resources that decide the same requests
	Unchanged   int           // of these: the rules are the same, letter for letter
	Requests    int           // that were decided
	// Sampled are the pairs with more requests than were decided.
	Sampled []Sample
	// Notes say why the requests do not stand for all of a pair, where they do not.
	Notes []string
	Calls bool // some rule asks a database or a webhook
	// Settings are the sections outside of the rules that differ. Some of them change
	// decisions in ways that the requests do not show.
	Settings []string
	Seed     uint64
}

// Sample is a pair of resources whose requests were not all decided.
type Sample struct {
	Resources [2]string
	Requests  int
}

// Whole reports whether the requests were gone through whole.
func (r *Report) Whole() bool { return len(r.Sampled) == 0 }

// Proved reports whether two policies without a difference decide all requests
// alike.
func (r *Report) Proved() bool {
	return len(r.Differences) == 0 && r.Whole() && len(r.Notes) == 0 && !r.Calls && len(r.Settings) == 0
}

// Compare compares two policies.
func Compare(old, changed *Policy, o Options) *Report {
	policies := [2]*policy.Policy{old.Policy, changed.Policy}
	r := &Report{Seed: o.Seed, Settings: settings(old.Doc, changed.Doc)}
	same := len(r.Settings) == 0
	e := newEngine(policies)
	all := meetings(policies)
	r.Pairs = len(all)
	var open []*explorer
	for _, m := range all {
		if same && unchanged(policies, m.resources) {
			r.Unchanged++
			continue
		}
		open = append(open, newExplorer(e, m))
	}
	c := comparison{report: r, left: cmp.Or(o.Max, DefaultMax), random: rand.New(rand.NewPCG(o.Seed, 0))}
	for i, x := range open {
		if o.Progress != nil {
			o.Progress(i, len(open))
		}
		c.explore(x, c.left/(len(open)-i))
	}
	c.finish()
	return r
}

// comparison collects the differences of all pairs.
type comparison struct {
	report *Report
	left   int // requests that may still be decided
	random *rand.Rand
}

// exploreShare goes through the requests of the pair, share of them at most: half of
// them in order, and if these are not all, the other half at random.
func (x *explorer) exploreShare(share int, random *rand.Rand, found func(*trial)) (n int, sampled bool) {
	share = max(share, 2)
	n, whole := x.explore(share/2, found)
	if !whole {
		n += x.sample(share-n, random, found)
	}
	return n, !whole
}

// explore goes through the requests of one pair.
func (c *comparison) explore(x *explorer, share int) {
	smallest := map[string]*Difference{}
	found := func(t *trial) {
		for _, d := range differences(t) {
			if s := smallest[d.key()]; s == nil || d.Case.smaller(s.Case) {
				smallest[d.key()] = d
			}
		}
	}
	n, sampled := x.exploreShare(share, c.random, found)
	if sampled {
		c.report.Sampled = append(c.report.Sampled, Sample{x.names(), n})
	}
	c.left -= n
	r := c.report
	r.Requests += n
	r.Calls = r.Calls || x.calls
	for _, note := range x.space.notes.list {
		r.Notes = appendNew(r.Notes, note)
	}
	for _, d := range smallest {
		d.Resources = x.names()
		r.Differences = append(r.Differences, d)
	}
}

// finish sorts the differences.
func (c *comparison) finish() {
	slices.SortFunc(c.report.Differences, func(a, b *Difference) int {
		return cmp.Or(
			cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)),
			strings.Compare(a.Case.Path, b.Case.Path), strings.Compare(a.Case.Method, b.Case.Method),
			strings.Compare(strings.Join(a.Resources[:], " "), strings.Join(b.Resources[:], " ")),
			strings.Compare(a.key(), b.key()))
	})
}

// unchanged reports whether two resources have the same rules.
func unchanged(policies [2]*policy.Policy, r [2]*policy.Resource) bool {
	if r[0] == nil || r[1] == nil || r[0].Kind != r[1].Kind || !r[0].Auth.Equal(r[1].Auth) {
		return false
	}
	source := policies[0].Source(r[0])
	return source != "" && source == policies[1].Source(r[1])
}

// settings lists the sections that differ, of those that hold no rules.
func settings(old, changed value.Value) (names []string) {
	section := func(name string, _ value.Value) bool {
		switch name {
		case "routes", "services", "events", "databases", "files", "define", "include", "teams", "lint", "zones", "gateway":
			return true
		}
		a, b := old.Key(name), changed.Key(name)
		if a.Kind() != b.Kind() || !value.Equal(a, b) {
			names = appendNew(names, name)
		}
		return true
	}
	old.Each(section)
	changed.Each(section)
	slices.Sort(names)
	return names
}

// newExplorer prepares the requests of a meeting. Masked are places of the response
// whose values vary too.
func newExplorer(e *engine, m *meeting, masked ...string) *explorer {
	x := &explorer{engine: e, policies: e.policies, meeting: m, space: newSpace(m.resources)}
	x.shown = x.space.vary(masked)
	x.where = &place{key: "target", above: x.space.root, domain: targeted}
	for _, r := range m.resources {
		if r != nil && r.Auth.Reads() && x.token == nil {
			x.token = &component{choices: e.tokens(m.resources)}
		}
	}
	if params := x.space.root.at(rules.RootParams); len(params.below) > 0 || params.whole() {
		// A body can have any value, and a query only texts.
		slices.SortStableFunc(m.targets, func(a, b *target) int {
			return cmp.Compare(btoi(readsQuery(a.method)), btoi(readsQuery(b.method)))
		})
	}
	x.build()
	return x
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// names are the names of the meeting's resources.
func (x *explorer) names() (out [2]string) {
	for i, r := range x.meeting.resources {
		if r != nil {
			out[i] = r.Name
		}
	}
	return out
}

// smaller reports whether a case is smaller than another: fewer, shorter and more
// usual values.
func (c *Case) smaller(d *Case) bool {
	return cmp.Or(cmp.Compare(c.Cost, d.Cost), strings.Compare(c.text(), d.text())) < 0
}

// text is the whole case, for the order of equally small ones.
func (c *Case) text() string {
	return c.Method + " " + c.Host + c.Path + " " + c.Args.String() + c.Response.String() + c.Now.String()
}
