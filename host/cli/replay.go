package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/spf13/cobra"
)

type replayFlags struct {
	policy, format string
	failOn         []string
}

var (
	replayFormats  = []string{"text", "json"}
	replayFailures = []string{"allow", "refuse", "status", "any", "undecided"}
)

func newReplayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay decisions.jsonl… --policy new.yaml",
		Short: "Decide recorded requests again by another policy, and show what differs",
		Long: `Replay reads recorded decisions: lines of the decision log, or what rulegate explain --format json
writes. It decides each request again by the policy, and counts by route what differs.
Replies of databases and webhooks come from the record; without them, and where parts of a request
are masked, a request is not decided again. The decision log has no query and only the claims and the
parts of the body that the policy lists, so a decision that depends on others differs. - is standard
input.`,
		Example: `  rulegate replay decisions.jsonl --policy new.yaml
  rulegate replay --fail-on refuse decisions.jsonl --policy new.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.policy == "" {
				return usagef("want --policy, as in --policy new.yaml")
			}
			for _, kind := range f.failOn {
				if !slices.Contains(replayFailures, kind) {
					return usagef("--fail-on: want %s, found %q", strings.Join(replayFailures, ", "), kind)
				}
			}
			if err := checkFormat(f.format, replayFormats); err != nil {
				return err
			}
			return replay(cmd, args, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.policy, "policy", "", "the policy that decides, a file or REVISION:file of git (required)")
	flags.StringVar(&f.format, "format", "text", strings.Join(replayFormats, ", "))
	flags.StringSliceVar(&f.failOn, "fail-on", nil, "end with exit code 1 for these differences: "+strings.Join(replayFailures, ", "))
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(replayFormats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(replayFailures, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// replayed counts the decisions of a route.
type replayed struct {
	Route       string       `json:"route"`
	Same        int          `json:"same"`
	Different   int          `json:"different"`
	Undecided   int          `json:"undecided"`
	Differences []replayDiff `json:"differences,omitempty"` // the first ones
	Reasons     []string     `json:"reasons,omitempty"`     // why some were not decided again
}

type replayDiff struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Request string `json:"request"`
	Kind    string `json:"kind"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Clause  string `json:"clause,omitempty"`
}

// maxReplayed bounds the differences of a route that are shown.
const maxReplayed = 20

func replay(cmd *cobra.Command, args []string, f *replayFlags) error {
	s, err := sourceOf(f.policy)
	if err != nil {
		return err
	}
	p, err := loadCompared(&s, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	r := &replayRun{replayer: compare.NewReplayer(p.Policy), byRoute: map[string]*replayed{}, kinds: map[string]bool{}}
	for _, path := range args {
		if err := r.file(path, cmd.InOrStdin()); err != nil {
			return err
		}
	}
	if err := r.write(cmd.OutOrStdout(), f.format); err != nil {
		return err
	}
	for _, kind := range f.failOn {
		if r.kinds[kind] {
			return errReported
		}
	}
	return nil
}

type replayRun struct {
	replayer *compare.Replayer
	byRoute  map[string]*replayed
	routes   []string // in their first order
	kinds    map[string]bool
}

// maxRecord bounds a line, in bytes.
const maxRecord = 64 << 20

func (r *replayRun) file(path string, stdin io.Reader) error {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxRecord)
	n, from := 0, 0
	var object []byte // of several lines, as explain writes it
	for lines.Scan() {
		n++
		switch line := bytes.TrimSpace(lines.Bytes()); {
		case object == nil && string(line) == "{":
			object, from = append([]byte{}, line...), n
		case object != nil && len(object) < maxRecord:
			object = append(object, line...)
			if string(lines.Bytes()) == "}" {
				r.line(path, from, object)
				object = nil
			}
		case len(line) > 0:
			r.line(path, n, line)
		}
	}
	if object != nil {
		r.line(path, from, object)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s:%d: %w", path, n+1, err)
	}
	return nil
}

func (r *replayRun) line(path string, n int, line []byte) {
	rec, err := compare.ParseRecord(line)
	if err != nil {
		r.undecided("", fmt.Sprintf("%s:%d: %v", path, n, err))
		return
	}
	result, err := r.replayer.Replay(rec)
	if err != nil {
		r.undecided(rec.Route, fmt.Sprintf("%s:%d: %v", path, n, err))
		return
	}
	of := r.of(rec.Route)
	d := replayDiff{File: path, Line: n, Request: rec.Target(), Before: "allowed", After: "allowed", Clause: rules.Where(result.Place, result.Name)}
	if !rec.Allowed {
		d.Before = fmt.Sprintf("refused with %d", rec.Status)
	}
	allowed := result.Outcome == decide.Yes
	if !allowed {
		d.After = fmt.Sprintf("refused with %d", result.Status)
	}
	if d.Before == d.After {
		of.Same++
		return
	}
	d.Kind = kindOf(rec.Allowed, result)
	r.kinds[d.Kind], r.kinds["any"] = true, true
	if of.Different++; of.Different <= maxReplayed {
		of.Differences = append(of.Differences, d)
	}
}

func kindOf(allowed bool, result *simulate.Result) string {
	switch now := result.Outcome == decide.Yes; {
	case now:
		return "allow"
	case allowed:
		return "refuse"
	}
	return "status"
}

func (r *replayRun) of(route string) *replayed {
	if r.byRoute[route] == nil {
		r.byRoute[route] = &replayed{Route: route}
		r.routes = append(r.routes, route)
	}
	return r.byRoute[route]
}

func (r *replayRun) undecided(route, reason string) {
	r.kinds["undecided"] = true
	of := r.of(route)
	if of.Undecided++; of.Undecided <= maxReplayed {
		of.Reasons = append(of.Reasons, reason)
	}
}

func (r *replayRun) write(w io.Writer, format string) error {
	all := []*replayed{}
	same, different, undecided := 0, 0, 0
	for _, name := range r.routes {
		of := r.byRoute[name]
		all = append(all, of)
		same, different, undecided = same+of.Same, different+of.Different, undecided+of.Undecided
	}
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"routes": all, "same": same, "different": different, "undecided": undecided})
	}
	for _, of := range all {
		name := of.Route
		if name == "" {
			name = "(no route)"
		}
		if of.Different+of.Undecided > 0 {
			fmt.Fprintf(w, "%s: %d the same, %d different, %d not decided again\n", name, of.Same, of.Different, of.Undecided)
		}
		for _, d := range of.Differences {
			after := d.After
			if d.Before != "allowed" {
				after = strings.TrimPrefix(after, "refused ")
			}
			fmt.Fprintf(w, "  %s:%d: %s: %s before, %s now", d.File, d.Line, d.Request, d.Before, after)
			if d.Clause != "" {
				fmt.Fprintf(w, ", by %s", d.Clause)
			}
			fmt.Fprintln(w)
		}
		if more := of.Different - len(of.Differences); more > 0 {
			fmt.Fprintf(w, "  and %d more\n", more)
		}
		for _, reason := range of.Reasons {
			fmt.Fprintf(w, "  not decided again: %s\n", reason)
		}
	}
	_, err := fmt.Fprintf(w, "%s: %d the same, %d different, %d not decided again\n", counted(same+different+undecided, "decision"), same, different, undecided)
	return err
}
