package policytest

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// Mutation is a run of the tests against mutants of one policy.
type Mutation struct {
	Path      string
	Survivors []*Mutant // that no test noticed, in the order of the policy
	Killed    int
	Invalid   int // mutants that are no policy
	LeftOut   int // beyond the bound

	suite *Suite
}

// Show is the text about a survivor, with its line.
func (m *Mutation) Show(s *Mutant) string {
	return m.suite.PolicyFile.Excerpt(s.Place, s.Broken+", and no test fails")
}

// All is the number of mutants that the tests ran against.
func (m *Mutation) All() int { return m.Killed + len(m.Survivors) }

// Mutate runs the tests of suites, which have one policy and have passed, against at most
// that many mutants of it, in parallel. progress is told of each mutant.
func Mutate(ctx context.Context, suites []*Suite, results map[*Suite][]Result, most int, seed uint64, progress func(done, all int)) (*Mutation, error) {
	s := suites[0]
	m := &Mutation{Path: s.PolicyPath, suite: s}
	mutants := Mutants(s.PolicyFile.Doc)
	if len(mutants) > most {
		m.LeftOut = len(mutants) - most
		mutants = spread(mutants, most)
	}
	t := &trial{suites: suites, results: results, seed: seed, resources: resourcesOf(s.Policy)}
	outcomes := make([]verdict, len(mutants))
	var next, done atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(mutants)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(mutants) {
					return
				}
				outcomes[i] = t.run(ctx, mutants[i])
				progress(int(done.Add(1)), len(mutants))
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i, o := range outcomes {
		switch o {
		case survived:
			m.Survivors = append(m.Survivors, mutants[i])
		case killed:
			m.Killed++
		default:
			m.Invalid++
		}
	}
	m.sort()
	return m, nil
}

// sort puts the survivors into the order of the policy's lines.
func (m *Mutation) sort() {
	slices.SortStableFunc(m.Survivors, func(a, b *Mutant) int {
		fileA, lineA, columnA := m.suite.PolicyFile.Locate(a.Place)
		fileB, lineB, columnB := m.suite.PolicyFile.Locate(b.Place)
		return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB), cmp.Compare(columnA, columnB))
	})
}

// spread picks n of the mutants, evenly over the policy.
func spread(mutants []*Mutant, n int) []*Mutant {
	out := make([]*Mutant, n)
	for i := range out {
		out[i] = mutants[i*len(mutants)/n]
	}
	return out
}

type verdict uint8

const (
	invalid verdict = iota // the mutant is no policy
	killed
	survived
)

// trial runs tests against mutants of one policy.
type trial struct {
	suites    []*Suite
	results   map[*Suite][]Result // of the policy itself
	seed      uint64
	resources map[string][]string // the names of the resources, by the places of the rules in them
}

// resourcesOf lists the resources of a policy that a rule is in, by the rule's place.
func resourcesOf(p *policy.Policy) map[string][]string {
	out := map[string][]string{}
	for _, r := range p.Resources() {
		for _, top := range []*rules.Rule{r.Rule, r.Response} {
			walk(top, func(in *rules.Rule) { out[in.Place()] = append(out[in.Place()], r.Name) })
		}
	}
	return out
}

// run runs the tests whose requests the broken rule decides.
func (t *trial) run(ctx context.Context, m *Mutant) verdict {
	names := map[string]bool{}
	for _, name := range t.resources[m.root] {
		names[name] = true
	}
	out := invalid
	for _, s := range t.suites {
		p, err := s.mutated(m)
		if err != nil {
			continue
		}
		out = max(out, survived)
		n := NewNative(p, t.seed)
		for _, r := range t.results[s] {
			if r.Outcome != Pass || r.Got.Resource == nil || !names[r.Got.Resource.Name] {
				continue
			}
			if ctx.Err() != nil {
				return out
			}
			got, err := n.Decide(r.Case)
			if err != nil || len(r.Case.check(got)) > 0 {
				return killed
			}
		}
	}
	return out
}

// mutated loads the mutant as the suite's policy. What could only be a mistake in a policy
// is none in a mutant, so it is not reviewed.
func (s *Suite) mutated(m *Mutant) (*policy.Policy, error) {
	doc := set(s.PolicyFile.Doc, m.replace, m.by)
	p, err := policy.LoadReviewed(doc, policy.Options{Getenv: s.Getenv, ReadFile: s.PolicyFile.ReadFile})
	if err == nil {
		p.Gateway = s.Policy.Gateway
	}
	return p, err
}

// Describe says how many mutants there were.
func (m *Mutation) Describe() string {
	text := fmt.Sprintf("mutants: %s: %d of %d noticed", m.Path, m.Killed, m.All())
	if m.Invalid > 0 {
		text += fmt.Sprintf("; %d more are no policies", m.Invalid)
	}
	if m.LeftOut > 0 {
		text += fmt.Sprintf("; %d left out, see --mutants", m.LeftOut)
	}
	return text
}
