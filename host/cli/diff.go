package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/spf13/cobra"
)

type diffFlags struct {
	format, against string
	failOn          []string
	seed            uint64
	max             int
	tests           bool
}

var diffFormats = []string{"text", "json", "markdown", "sarif", "github", "junit"}

// failures are the values of --fail-on.
var failures = []string{"allow", "refuse", "mask", "upstream", "status", "any", "unproved"}

func newDiffCommand() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff old.yaml new.yaml | diff --against REVISION [file or folder…]",
		Short: "Show what a change of a policy does, with the smallest requests that show it",
		Long: `Diff compares what two policies decide. It makes the requests at which a rule of either can come
out differently, decides each by both, and prints the smallest request of each kind of difference:
allowed now, refused now, another response, another request to the upstream, refused in another way.
It says whether the requests were gone through whole, and whether they stand for all requests.

A policy may be in a revision of git: HEAD~1:policy.yaml, with the files that it includes there. Two
folders are compared policy by policy. Variables that are not set, and key files that are not there,
get stand-ins: tokens are simulated.

--fail-on ends the command with exit code 1 for some kinds of differences: allow (the client gets
something that it did not get before), refuse, mask, upstream, status, any; unproved if the policies
were not proved to be equal.`,
		Example: `  rulegate diff old.yaml new.yaml
  rulegate diff HEAD~1:policy.yaml policy.yaml
  rulegate diff --against origin/main --fail-on allow --format markdown policies/`,
		Args: func(_ *cobra.Command, args []string) error {
			if f.against == "" && len(args) != 2 {
				return fmt.Errorf("want two policies, or --against REVISION; found %s", counted(len(args), "argument"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return diff(cmd, args, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.against, "against", "", "compare files and folders (default: this folder) with a revision of git")
	flags.StringSliceVar(&f.failOn, "fail-on", nil, "end with exit code 1 for these differences: "+strings.Join(failures, ", "))
	flags.StringVar(&f.format, "format", "text", strings.Join(diffFormats, ", "))
	flags.Uint64Var(&f.seed, "seed", 0, "of the requests that are chosen at random, where there are too many")
	flags.IntVar(&f.max, "max", compare.DefaultMax, "how many requests are decided at most, for each pair of policies")
	flags.BoolVar(&f.tests, "tests", false, "print each request as a file for rulegate test")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(diffFormats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(failures, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *diffFlags) check() error {
	for _, kind := range f.failOn {
		if !slices.Contains(failures, kind) {
			return usagef("--fail-on: want %s, found %q", strings.Join(failures, ", "), kind)
		}
	}
	if f.max < 2 {
		return usagef("--max: want 2 or more, found %d", f.max)
	}
	return checkFormat(f.format, diffFormats)
}

func diff(cmd *cobra.Command, args []string, f *diffFlags) error {
	pairs, err := diffPairs(args, f.against)
	if err != nil {
		return err
	}
	var done []*comparedPair
	for _, p := range pairs {
		pair := &comparedPair{}
		for i, into := range []**comparedPolicy{&pair.old, &pair.changed} {
			if *into, err = loadCompared(p[i], cmd.ErrOrStderr()); err != nil {
				return err
			}
		}
		if pair.old.file == nil {
			pair.old.name = "(no policy)"
		}
		bar := newBar(cmd.ErrOrStderr(), "pair of resources")
		pair.report = compare.Compare(pair.old.Policy, pair.changed.Policy, compare.Options{Max: f.max, Seed: f.seed, Progress: bar.set})
		bar.end()
		done = append(done, pair)
	}
	if err := f.write(cmd.OutOrStdout(), done); err != nil {
		return err
	}
	for _, p := range done {
		if f.fails(p.report) {
			return errReported
		}
	}
	return nil
}

// fails reports whether --fail-on names something of the report.
func (f *diffFlags) fails(r *compare.Report) bool {
	on := func(kind string) bool { return slices.Contains(f.failOn, kind) }
	for _, d := range r.Differences {
		if on("any") || on(string(d.Kind)) || on("allow") && d.Shows {
			return true
		}
	}
	return on("unproved") && !r.Proved() && r.Pairs > r.Unchanged
}
