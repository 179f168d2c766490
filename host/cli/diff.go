package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/rules"
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

// comparedPair is a policy before and after a change, with the effect of the change.
type comparedPair struct {
	old, changed *comparedPolicy
	report       *compare.Report
}

// comparedPolicy is a policy of a comparison. The file is nil where the policy is not
// there, so that it denies all requests.
type comparedPolicy struct {
	*compare.Policy
	name string
	file *policyfile.File
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

// diffPairs lists the policies to compare: before and after. A nil source is a policy
// that is not there.
func diffPairs(args []string, against string) (pairs [][2]*source, err error) {
	if against == "" {
		old, err := sourceOf(args[0])
		if err != nil {
			return nil, err
		}
		changed, err := sourceOf(args[1])
		if err != nil {
			return nil, err
		}
		if old.files.IsDir(old.path) != changed.files.IsDir(changed.path) {
			return nil, usagef("want two files or two folders: %s and %s", args[0], args[1])
		}
		if !old.files.IsDir(old.path) {
			return [][2]*source{{&old, &changed}}, nil
		}
		return folderPairs(old, changed)
	}
	r, err := policyfile.NewRevision(against)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	for _, arg := range args {
		changed, err := sourceOf(arg)
		if err != nil {
			return nil, err
		}
		path, err := r.FromHere(changed.path)
		if err != nil {
			return nil, err
		}
		old := source{r, path, r.Name(path)}
		if !changed.files.IsDir(changed.path) {
			pairs = append(pairs, [2]*source{existing(old), &changed})
			continue
		}
		found, err := folderPairs(old, changed)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, found...)
	}
	return pairs, nil
}

// existing returns the source, nil if there is no such file.
func existing(s source) *source {
	found, err := s.files.Glob(s.path)
	if err == nil && len(found) == 0 {
		return nil
	}
	return &s
}

// folderPairs pairs the policies of two folders by their names.
func folderPairs(old, changed source) (pairs [][2]*source, err error) {
	byName := map[string]int{}
	for i, s := range []source{old, changed} {
		found, err := s.policies()
		if err != nil {
			if i == 1 || s.files.IsDir(s.path) && len(pairs) > 0 {
				return nil, err
			}
			continue // a folder that has no policy yet
		}
		for _, p := range found {
			rel, err := filepath.Rel(filepath.FromSlash(s.path), filepath.FromSlash(p.path))
			if err != nil {
				return nil, err
			}
			at, ok := byName[rel]
			if !ok {
				at = len(pairs)
				byName[rel] = at
				pairs = append(pairs, [2]*source{})
			}
			pairs[at][i] = &p
		}
	}
	return pairs, nil
}

// loadCompared loads a policy with stand-ins for secrets that are not there.
func loadCompared(s *source, stderr io.Writer) (*comparedPolicy, error) {
	if s == nil {
		f, err := policyfile.Parse("none", []byte("routes: []\n"))
		if err != nil {
			return nil, err
		}
		p, err := f.LoadStandIn()
		if err != nil {
			return nil, err
		}
		return &comparedPolicy{Policy: &compare.Policy{Policy: p.Policy, Doc: f.Doc, Options: p.Options}, name: "(no policy)"}, nil
	}
	f, err := policyfile.Open(s.files, s.path)
	if err != nil {
		return nil, err
	}
	p, err := f.LoadStandIn()
	if err != nil {
		return nil, err
	}
	if len(p.Missing) > 0 {
		fmt.Fprintln(stderr, standIns(f.Name(), p.Missing))
	}
	return &comparedPolicy{&compare.Policy{Policy: p.Policy, Doc: f.Doc, Options: p.Options}, f.Name(), f}, nil
}

// position is the place of the clause that refuses, in the policy that does.
func (p *comparedPair) position(d *compare.Difference) *compare.PositionJSON {
	if d.Place == "" {
		return nil
	}
	of := p.changed
	if d.Kind == compare.Allow {
		of = p.old
	}
	out := &compare.PositionJSON{Place: d.Place, Name: d.Name}
	if of.file != nil {
		out.File, out.Line, out.Column = of.file.Locate(d.Place)
	}
	return out
}

func (f *diffFlags) write(w io.Writer, pairs []*comparedPair) error {
	switch f.format {
	case "json":
		return writeJSON(w, pairs)
	case "markdown":
		w = report.Plain(w)
		for i, p := range pairs {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := p.report.Markdown(w, p.old.name, p.changed.name); err != nil {
				return err
			}
		}
		return nil
	case "sarif", "github", "junit":
		return report.Write(w, f.format, version(), diffCases(pairs), diffCodes)
	}
	w = report.Plain(w)
	for i, p := range pairs {
		if len(pairs) > 1 {
			fmt.Fprintf(w, "%s%s -> %s\n", map[bool]string{true: "\n"}[i > 0], p.old.name, p.changed.name)
		}
		for _, d := range p.report.Differences {
			fmt.Fprintln(w, d.Line())
			if at := p.position(d); at != nil && at.File != "" {
				fmt.Fprintf(w, "  refused by %s:%d:%d: %s\n", at.File, at.Line, at.Column, rules.Where(at.Place, at.Name))
			}
			if f.tests {
				fmt.Fprintf(w, "\n%s\n", d.Test(p.old.name))
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(p.report.Lines(), "\n")); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(w io.Writer, pairs []*comparedPair) error {
	out := struct {
		Policies []any `json:"policies"`
	}{[]any{}}
	for _, p := range pairs {
		out.Policies = append(out.Policies, p.report.JSON(p.old.name, p.changed.name, p.position))
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// diffCodes explain the codes of differences.
var diffCodes = map[string]string{
	"diff/allow":    "A request that was refused is allowed now.",
	"diff/refuse":   "A request that was allowed is refused now.",
	"diff/mask":     "The client gets another response.",
	"diff/upstream": "The upstream gets another request.",
	"diff/status":   "A request is refused in another way.",
}

// diffCases are the differences as findings. They stand at the resource of the new
// policy, or at the clause that refuses there.
func diffCases(pairs []*comparedPair) (cases []report.Case) {
	for _, p := range pairs {
		c := report.Case{Suite: p.changed.name, Name: p.changed.name}
		for _, d := range p.report.Differences {
			level := report.Warning
			switch {
			case d.Shows:
				level = report.Error
			case d.Kind == compare.Status || d.Kind == compare.Upstream:
				level = report.Note
			}
			file, line, column := p.locate(d)
			c.Findings = append(c.Findings, report.Finding{
				Code: "diff/" + string(d.Kind), Level: level, Message: d.Line(), File: file, Line: line, Column: column,
			})
		}
		cases = append(cases, c)
	}
	return cases
}

// locate returns the position of a difference in the new policy, or, if it is not
// there any more, in the old one.
func (p *comparedPair) locate(d *compare.Difference) (file string, line, column int) {
	if d.Kind == compare.Refuse && d.Place != "" && p.changed.file != nil {
		return p.changed.file.Locate(d.Place)
	}
	for i, of := range []*comparedPolicy{p.changed, p.old} {
		for _, r := range of.Resources() {
			if of.file != nil && r.Name == d.Resources[1-i] {
				return of.file.Locate(r.Place)
			}
		}
	}
	return p.changed.name, 1, 1
}
