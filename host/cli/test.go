package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"regexp"
	"slices"

	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/host/report"
	"github.com/spf13/cobra"
)

type testFlags struct {
	run, format   string
	verbose, json bool
	record        bool
	seed          uint64

	coverage   bool
	lcov, html string
	min        float64
	mutate     bool
	mutants    int

	wasm, live, watch bool
	module            string

	name   *regexp.Regexp // of run; nil: all
	seeded bool           // --seed is there
}

func newTestCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test [policy.yaml] [file or folder…]",
		Short: "Run tests of a policy",
		Long: `Test runs the requests of files whose names end in _test.yaml, and compares what the policy makes
of them with what the files want. Without files it runs those beside the policy, or in this folder.
A folder means the files in it and below it. A policy that is named here is tested in place of the
one that a file names. host/policytest/TESTING.md documents the files; rulegate schema --tests
prints a JSON Schema of them, for editors.

A failed test ends the command with exit code 1, after the others have run. So does a coverage
below --min, and a mutant that no test notices.`,
		Example: `  rulegate test policy.yaml
  rulegate test -run 'orders|people' -v tests/
  rulegate test --format junit > report.xml
  rulegate test --coverage --html coverage.html --min 90
  rulegate test --mutate
  rulegate test --wasm --live`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			ctx := untilSignal(cmd.Context())
			if f.watch {
				return watchTests(ctx, cmd, args, &f)
			}
			return runTests(ctx, cmd, args, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.run, "run", "", "run only the tests whose name matches this regular expression; also -run")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list the tests that pass too, and the coverage of all routes")
	flags.StringVar(&f.format, "format", "text", "text, json (a line for each test), sarif, github (annotations) or junit (XML)")
	flags.BoolVar(&f.json, "json", false, "the same as --format json")
	flags.Uint64Var(&f.seed, "seed", 0, "run the tests in another order, with other nonces; the same seed gives the same run")
	flags.BoolVar(&f.record, "record", false, "write the result of each test without want into its file")
	flags.BoolVar(&f.coverage, "coverage", false, "print which clauses came out yes, no and unknown, and which were never asked")
	flags.StringVar(&f.lcov, "lcov", "", "write the coverage to this file, for LCOV")
	flags.StringVar(&f.html, "html", "", "write the coverage to this file, as a page for browsers")
	flags.Float64Var(&f.min, "min", 0, "the least coverage of each policy, in percent")
	flags.BoolVar(&f.wasm, "wasm", false, "decide in the module, on the embedded gateway")
	flags.StringVar(&f.module, "module", "", "path of the module (default: rulegate.wasm in the folder of this command, else bin/rulegate.wasm)")
	flags.BoolVar(&f.live, "live", false, "ask the policy's databases and webhooks instead of the data of the tests")
	flags.BoolVar(&f.watch, "watch", false, "run again whenever a file has changed, until interrupted")
	flags.BoolVar(&f.mutate, "mutate", false, "run the tests against the policy with one thing broken at a time, and show what no test notices")
	flags.IntVar(&f.mutants, "mutants", 5000, "how many mutants of a policy --mutate makes at most")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(testFormats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

var testFormats = []string{"text", "json", "sarif", "github", "junit"}

// check checks the flags.
func (f *testFlags) check(cmd *cobra.Command) (err error) {
	f.seeded = cmd.Flags().Changed("seed")
	if f.json {
		if f.format != "text" && f.format != "json" {
			return usagef("--json and --format %s", f.format)
		}
		f.format = "json"
	}
	if err := checkFormat(f.format, testFormats); err != nil {
		return err
	}
	if f.min < 0 || f.min > 100 {
		return usagef("--min: want 0 to 100, found %v", f.min)
	}
	switch measured := f.measures(); {
	case f.module != "" && !f.wasm:
		return usagef("--module is for --wasm")
	case f.wasm && (measured || f.mutate):
		return usagef("--wasm tells nothing of clauses: leave it out for the coverage and for --mutate")
	case f.live && f.mutate:
		return usagef("--live and --mutate: the tests would ask your databases once for each mutant")
	}
	if f.mutants < 1 {
		return usagef("--mutants: want 1 or more, found %d", f.mutants)
	}
	if f.run == "" {
		return nil
	}
	if f.name, err = regexp.Compile(f.run); err != nil {
		return usagef("--run: %w", err)
	}
	return nil
}

// measures reports whether the coverage is wanted.
func (f *testFlags) measures() bool { return f.coverage || f.lcov != "" || f.html != "" || f.min > 0 }

// runTests runs the tests once.
func runTests(ctx context.Context, cmd *cobra.Command, args []string, f *testFlags) error {
	policyPath, files, err := policytest.Find(args)
	if err != nil {
		return err
	}
	bar := newBar(cmd.ErrOrStderr(), "test")
	stdout, stderr := bar.above(cmd.OutOrStdout()), bar.above(report.Plain(cmd.ErrOrStderr()))
	text := report.Plain(cmd.OutOrStdout())
	if f.format == "text" {
		stdout = bar.above(text)
	}
	c := &runners{ctx: ctx, flags: f, log: textLog(stderr)}
	defer c.close()
	s := &policytest.Session{
		Policy: policyPath, Files: files, Name: f.name, Seed: f.seed, Record: f.record,
		Progress: bar.set, Reporter: f.reporter(stdout, stderr), NewRunner: c.open,
	}
	suites, results, sum := s.Run(ctx)
	bar.end()
	for _, suite := range suites {
		if err := suite.Record(results[suite]); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	enough, err := c.report(f.side(stdout, stderr))
	if err != nil {
		return err
	}
	noticed := true
	if f.mutate {
		m := mutations{flags: f, suites: suites, results: results, reporter: s.Reporter, out: f.side(stdout, stderr), stderr: stderr, terminal: cmd.ErrOrStderr()}
		if noticed, err = m.run(ctx, sum.OK()); err != nil {
			return err
		}
	}
	if err := cmp.Or(s.Reporter.Close(sum), text.Err); err != nil {
		return err
	}
	if !sum.OK() || !enough || !noticed {
		return errReported
	}
	return nil
}

// side is where the coverage and the mutants go: not into a report of package report.
func (f *testFlags) side(stdout, stderr io.Writer) io.Writer {
	if slices.Contains(report.Formats, f.format) {
		return stderr
	}
	return stdout
}

func (f *testFlags) reporter(stdout, stderr io.Writer) policytest.Reporter {
	text := &policytest.Text{Out: stdout, Errors: stderr, Verbose: f.verbose, Seeded: f.seeded}
	switch f.format {
	case "json":
		return &policytest.JSON{Out: stdout}
	case "junit":
		return &policytest.JUnit{Out: stdout, Detail: text.Detail}
	case "sarif", "github":
		return &policytest.Findings{Out: stdout, Format: f.format, Version: version(), Detail: text.Detail}
	}
	return text
}

// testArgs lets `rulegate test` have -run, as `go test` has it.
func testArgs(args []string) []string {
	out := append([]string{}, args...)
	if len(out) == 0 || out[0] != "test" {
		return out
	}
	for i, a := range out {
		if a == "--" {
			break
		}
		if a == "-run" || len(a) > 4 && a[:5] == "-run=" {
			out[i] = "-" + a
		}
	}
	return out
}
