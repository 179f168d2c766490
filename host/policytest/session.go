package policytest

import (
	"context"
	"regexp"
	"time"

	"github.com/rulegate/rulegate/host/policyfile"
)

// Session is a run of files with tests.
type Session struct {
	Policy string           // tests this policy instead of those that the files name; "": these
	Files  []string         // as Find returns them
	In     policyfile.Files // where the files are; nil: on the disk

	Name   *regexp.Regexp // only tests whose name matches; nil: all
	Seed   uint64
	Record bool // accept tests without expectations, and keep their results

	// NewRunner returns a runner for a suite. Nil: Native.
	NewRunner func(s *Suite) (Runner, error)
	Reporter  Reporter
	// Progress is told of each test; nil: nobody is.
	Progress func(done, all int)
}

// Run runs the tests. It returns the suites that could be read. When ctx ends, the rest
// of the tests does not run, and the run has failed.
func (s *Session) Run(ctx context.Context) (suites []*Suite, results map[*Suite][]Result, sum Summary) {
	sum = Summary{Files: len(s.Files), Seed: s.Seed}
	results = map[*Suite][]Result{}
	all := 0
	broken := map[string]error{}
	loaded := map[string]*Suite{}
	for _, path := range s.Files {
		suite, err := Load(path, Options{Policy: s.Policy, Record: s.Record, Files: s.In})
		if err != nil {
			broken[path] = err
			continue
		}
		loaded[path] = suite
		all += len(suite.Selected(s.Name, s.Seed))
	}
	done := 0
	for _, path := range s.Files {
		if err := broken[path]; err != nil {
			sum.Broken++
			s.Reporter.Failed(path, err)
			continue
		}
		suite := loaded[path]
		list, err := s.suite(ctx, suite, func() {
			done++
			if s.Progress != nil {
				s.Progress(done, all)
			}
		})
		if err != nil {
			sum.Broken++
			s.Reporter.Failed(path, err)
			continue
		}
		for i := range list {
			sum.Add(&list[i])
		}
		suites, results[suite] = append(suites, suite), list
	}
	return suites, results, sum
}

// suite runs the tests of one file.
func (s *Session) suite(ctx context.Context, suite *Suite, progress func()) (results []Result, err error) {
	start := time.Now()
	newRunner := s.NewRunner
	if newRunner == nil {
		newRunner = func(suite *Suite) (Runner, error) { return NewNative(suite.Policy, s.Seed), nil }
	}
	runner, err := newRunner(suite)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	s.Reporter.Begin(suite)
	passed := true
	for _, c := range suite.Selected(s.Name, s.Seed) {
		r := Result{Case: c, Outcome: Fail, Err: ctx.Err()}
		if r.Err == nil {
			r = suite.Run(runner, c)
		}
		passed = passed && r.Outcome != Fail
		s.Reporter.Test(suite, &r)
		results = append(results, r)
		progress()
	}
	s.Reporter.End(suite, passed, time.Since(start))
	return results, nil
}
