package compare

import (
	"encoding/json"

	"github.com/rulegate/rulegate/rules/value"
)

// differenceJSON is a difference in JSON.
type differenceJSON struct {
	Kind      Kind            `json:"kind"`
	Summary   string          `json:"summary"` // `refused before, allowed now`
	Method    string          `json:"method"`
	Host      string          `json:"host,omitempty"` // none: it does not matter
	Path      string          `json:"path"`
	Before    string          `json:"before"`
	After     string          `json:"after"`
	Parts     []string        `json:"parts,omitempty"`
	Shows     bool            `json:"shows"` // the client gets something that it did not get before
	Resources resourcesJSON   `json:"resources"`
	Clause    *PositionJSON   `json:"clause,omitempty"` // that refuses, in the policy that does
	Request   json.RawMessage `json:"request"`
	Test      string          `json:"test"` // a file for rulegate test; it passes with the old policy and fails with the new one
}

type resourcesJSON struct {
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// PositionJSON is a place of a policy.
type PositionJSON struct {
	Place  string `json:"place"`
	Name   string `json:"name,omitempty"` // of the clause, or of the nearest around it
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

type reportJSON struct {
	Old         string           `json:"old"`
	New         string           `json:"new"`
	Differences []differenceJSON `json:"differences"`
	Pairs       int              `json:"pairs"`
	Unchanged   int              `json:"unchanged"`
	Requests    int              `json:"requests"`
	Whole       bool             `json:"whole"`  // the requests were gone through whole
	Proved      bool             `json:"proved"` // the policies decide all requests alike
	Calls       bool             `json:"calls"`
	Sampled     []sampleJSON     `json:"sampled,omitempty"`
	Settings    []string         `json:"settings,omitempty"`
	Notes       []string         `json:"notes,omitempty"`
	Seed        uint64           `json:"seed"`
}

type sampleJSON struct {
	Resources resourcesJSON `json:"resources"`
	Requests  int           `json:"requests"`
}

// JSON is the report as an object; old and changed name the policies.
func (r *Report) JSON(old, changed string, position func(*Difference) *PositionJSON) any {
	out := reportJSON{
		Old: old, New: changed, Differences: []differenceJSON{}, Pairs: r.Pairs, Unchanged: r.Unchanged, Requests: r.Requests,
		Whole: r.Whole(), Proved: r.Proved(), Calls: r.Calls, Settings: r.Settings, Notes: r.Notes, Seed: r.Seed,
	}
	for _, s := range r.Sampled {
		out.Sampled = append(out.Sampled, sampleJSON{resourcesJSON{s.Resources[0], s.Resources[1]}, s.Requests})
	}
	for _, d := range r.Differences {
		j := differenceJSON{
			Kind: d.Kind, Summary: d.Sentence(), Method: d.Case.Method, Path: d.Case.Path, Before: d.Before, After: d.After,
			Parts: d.Parts, Shows: d.Shows, Resources: resourcesJSON{d.Resources[0], d.Resources[1]},
			Clause: position(d), Request: rawJSON(d.Case.Request()), Test: d.Test(old),
		}
		if d.Case.Host != defaultHost {
			j.Host = d.Case.Host
		}
		out.Differences = append(out.Differences, j)
	}
	return out
}

func rawJSON(v value.Value) json.RawMessage { return json.RawMessage(v.String()) }

// Test writes the difference as a test that the old policy passes.
func (d *Difference) Test(old string) string {
	want := d.want
	switch {
	case want.Kind() != value.Missing:
	case d.Before == "allowed":
		want = value.Str("allow")
	default:
		want = value.Str("deny")
	}
	return d.Case.Test(old, d.Case.Target()+": "+d.Sentence(), want)
}
