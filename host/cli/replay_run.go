package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
)

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

type replayRun struct {
	replayer *compare.Replayer
	byRoute  map[string]*replayed
	routes   []string // in their first order
	kinds    map[string]bool
}

// file decides the records of a file again.
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
	err := eachRecord(in, func(n int, record []byte, err error) { r.decide(path, n, record, err) })
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// decide decides a record again. err says why there is none.
func (r *replayRun) decide(path string, n int, record []byte, err error) {
	var rec *compare.Recorded
	if err == nil {
		rec, err = compare.ParseRecord(record)
	}
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
	if !rec.Allowed && rec.Status == 0 {
		d.Before = "refused"
	}
	allowed := result.Outcome == decide.Yes
	if !allowed {
		d.After = fmt.Sprintf("refused with %d", result.Status)
	}
	if d.Before == d.After || d.Before == "refused" && !allowed {
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

// maxRoutes bounds the routes that are counted apart: their names come from the log.
const maxRoutes = 10_000

func (r *replayRun) of(route string) *replayed {
	if r.byRoute[route] == nil && len(r.routes) >= maxRoutes {
		route = "(other routes)"
	}
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
	w = report.Plain(w)
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
