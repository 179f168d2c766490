package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rulegate/rulegate/host/policytest"
)

// mutations runs tests against mutants of their policies.
type mutations struct {
	flags       *testFlags
	suites      []*policytest.Suite
	results     map[*policytest.Suite][]policytest.Result
	reporter    policytest.Reporter
	out, stderr io.Writer
	terminal    io.Writer // for a bar
}

// run reports the mutants that pass the tests. noticed is false if there is one, or if
// the tests do not pass anyway.
func (m *mutations) run(ctx context.Context, passed bool) (noticed bool, err error) {
	if !passed {
		fmt.Fprintln(m.stderr, "mutants: none are made, because a test fails")
		return false, nil
	}
	var order []string
	byPath := map[string][]*policytest.Suite{}
	for _, s := range m.suites {
		if byPath[s.PolicyPath] == nil {
			order = append(order, s.PolicyPath)
		}
		byPath[s.PolicyPath] = append(byPath[s.PolicyPath], s)
	}
	noticed = true
	for _, path := range order {
		bar := newBar(m.terminal, "mutant")
		found, err := policytest.Mutate(ctx, byPath[path], m.results, m.flags.mutants, m.flags.seed, bar.set)
		bar.end()
		if err != nil {
			return false, errors.New("interrupted")
		}
		if err := m.report(found); err != nil {
			return false, err
		}
		noticed = noticed && len(found.Survivors) == 0
	}
	return noticed, nil
}

func (m *mutations) report(found *policytest.Mutation) error {
	switch r := m.reporter.(type) {
	case *policytest.JSON:
		return found.WriteJSON(m.out)
	case *policytest.Findings:
		r.Mutants(found)
		return nil
	}
	for _, s := range found.Survivors {
		fmt.Fprintln(m.out, found.Show(s))
	}
	_, err := fmt.Fprintln(m.out, found.Describe())
	return err
}
