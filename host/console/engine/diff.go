package engine

import (
	"github.com/rulegate/rulegate/host/assist"
	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/policyfile"
)

// compared is the answer of diff.
type compared struct {
	Diagnostics []assist.Diagnostic `json:"diagnostics,omitempty"` // nothing else, if a policy has a fault
	Report      any                 `json:"report,omitempty"`      // as rulegate diff --format json has it
	Lines       []string            `json:"lines,omitempty"`       // the conclusion
}

// maxCompared is the number of requests that a comparison in the page decides at most.
const maxCompared = 4000

// diff compares the old policy with the policy.
func diff(q *Question) (any, error) {
	var both [2]*compare.Policy
	var files [2]*policyfile.File
	out := &compared{}
	for i, path := range []string{q.Old, q.Policy} {
		c, err := q.load(path)
		if err != nil {
			return nil, err
		}
		if c == nil {
			out.Diagnostics = append(out.Diagnostics, q.diagnose(path)...)
			continue
		}
		both[i], files[i] = &compare.Policy{Policy: c.Policy, Doc: c.file.Doc, Options: c.Options}, c.file
	}
	if len(out.Diagnostics) > 0 {
		return out, nil
	}
	r := compare.Compare(both[0], both[1], compare.Options{Max: maxCompared})
	out.Lines = r.Lines()
	out.Report = r.JSON(q.Old, q.Policy, func(d *compare.Difference) *compare.PositionJSON {
		if d.Place == "" {
			return nil
		}
		of := files[1]
		if d.Kind == compare.Allow {
			of = files[0]
		}
		at := &compare.PositionJSON{Place: d.Place, Name: d.Name}
		at.File, at.Line, at.Column = of.Locate(d.Place)
		return at
	})
	return out, nil
}
