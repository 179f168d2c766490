//go:build !js

package policytest

import (
	"testing"
	"time"
)

// Run runs the tests of files or folders, each as a subtest. Like `rulegate test`, it
// takes a policy first, which it tests instead of those that the files name.
func Run(t *testing.T, paths ...string) {
	t.Helper()
	policyPath, files, err := Find(paths)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		t.Run(path, func(t *testing.T) {
			s := Session{Policy: policyPath, Files: []string{path}, Reporter: &goTest{t: t}}
			_, _, sum := s.Run(t.Context())
			if sum.Passed+sum.Skipped == 0 && sum.OK() {
				t.Error("no test ran")
			}
		})
	}
}

// goTest reports each case as a subtest.
type goTest struct {
	t    *testing.T
	text Text
}

func (g *goTest) Begin(*Suite) {}

func (g *goTest) Test(s *Suite, r *Result) {
	g.t.Run(r.Case.Name, func(t *testing.T) {
		switch r.Outcome {
		case Pass:
		case Skip:
			t.Skip(r.Err)
		default:
			t.Error(g.text.Detail(s, r))
		}
	})
}

func (g *goTest) Failed(_ string, err error) { g.t.Fatal(err) }

func (g *goTest) End(*Suite, bool, time.Duration) {}

func (g *goTest) Close(Summary) error { return nil }
