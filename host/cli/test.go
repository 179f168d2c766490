package cli

import (
	"io"
	"regexp"

	"github.com/rulegate/rulegate/host/policytest"
	"github.com/spf13/cobra"
)

type testFlags struct {
	run, format   string
	verbose, json bool
	record        bool
	seed          uint64
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

A failed test ends the command with exit code 1, after the others have run.`,
		Example: `  rulegate test policy.yaml
  rulegate test -run 'orders|people' -v tests/
  rulegate test --format junit > report.xml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTests(cmd, args, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.run, "run", "", "run only the tests whose name matches this regular expression; also -run")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list the tests that pass too")
	flags.StringVar(&f.format, "format", "text", "text, json (a line for each test) or junit (XML)")
	flags.BoolVar(&f.json, "json", false, "the same as --format json")
	flags.Uint64Var(&f.seed, "seed", 0, "run the tests in another order, with other nonces; the same seed gives the same run")
	flags.BoolVar(&f.record, "record", false, "write the result of each test without want into its file")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(testFormats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

var testFormats = []string{"text", "json", "junit"}

func runTests(cmd *cobra.Command, args []string, f *testFlags) error {
	s := &policytest.Session{Seed: f.seed, Record: f.record}
	var err error
	if s.Name, err = f.check(); err != nil {
		return err
	}
	ctx := untilSignal(cmd.Context())
	if s.Policy, s.Files, err = policytest.Find(args); err != nil {
		return err
	}
	bar := newBar(cmd.ErrOrStderr(), "test")
	s.Progress = bar.set
	s.Reporter = f.reporter(bar.above(cmd.OutOrStdout()), bar.above(cmd.ErrOrStderr()))
	suites, results, sum := s.Run(ctx)
	bar.end()
	if f.record {
		for _, suite := range suites {
			if err := suite.Record(results[suite]); err != nil {
				return err
			}
		}
	}
	if err := s.Reporter.Close(sum); err != nil {
		return err
	}
	if !sum.OK() {
		return errReported
	}
	return ctx.Err()
}

// check checks the flags.
func (f *testFlags) check() (name *regexp.Regexp, err error) {
	if f.json {
		if f.format != "text" && f.format != "json" {
			return nil, usagef("--json and --format %s", f.format)
		}
		f.format = "json"
	}
	switch f.format {
	case "text", "json", "junit":
	default:
		return nil, usagef("--format: want text, json or junit, found %q", f.format)
	}
	if f.run == "" {
		return nil, nil
	}
	if name, err = regexp.Compile(f.run); err != nil {
		return nil, usagef("--run: %w", err)
	}
	return name, nil
}

func (f *testFlags) reporter(stdout, stderr io.Writer) policytest.Reporter {
	text := &policytest.Text{Out: stdout, Errors: stderr, Verbose: f.verbose}
	switch f.format {
	case "json":
		return &policytest.JSON{Out: stdout}
	case "junit":
		return &policytest.JUnit{Out: stdout, Detail: text.Detail}
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
