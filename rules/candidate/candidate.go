// Package candidate compares the decisions of two policies about one request: those of
// the active policy, which are carried out, and those of a candidate, which are not.
package candidate

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/decide"
)

// The kinds of differences.
const (
	Denies   = "denies"   // the candidate refuses what the active policy lets through
	Allows   = "allows"   // the candidate lets through what the active policy refuses
	Outcome  = "outcome"  // both refuse, with another outcome or status
	Upstream = "upstream" // the upstream would get another request
	Masked   = "masked"   // the client would get another body
)

// Decision is what one policy has decided so far. The zero Decision is nothing yet.
type Decision struct {
	// Masked are the paths that were changed in the response's body: see
	// decide.Response.Masked. The caller sets them.
	Masked []string

	state state
	sent  *decide.Step // of the request that was let through
	last  *decide.Step
}

// state tells how far a Decision is.
type state uint8

const (
	nothing state = iota
	refused       // the request
	sent          // the response is not decided yet
	final         // the request was let through, and its response is decided
)

// Take takes the step by which a message goes on or is refused, and keeps it.
func (d *Decision) Take(step *decide.Step) {
	d.last = step
	switch {
	case d.state == sent:
		d.state = final
	case step.Action != decide.Continue:
		d.state = refused
	case step.Response != nil:
		d.sent, d.state = step, sent
	default:
		d.sent, d.state = step, final
	}
}

// Refusal is that of the request or its response; nil: there is none.
func (d *Decision) Refusal() *decide.Refusal {
	if d.last == nil || d.last.Action == decide.Continue {
		return nil
	}
	return &d.last.Refusal
}

// answered is the changed body of the response; nil: it is as it came.
func (d *Decision) answered() *string {
	if d.last == d.sent {
		return nil
	}
	return d.last.Changes.Body
}

// Difference says how a candidate decides otherwise. Without Kinds it does not.
type Difference struct {
	Kinds []string
	// Parts of the upstream's request that differ: names of headers, :path and body.
	Upstream []string
	// Unclear: the candidate could not read or mask a response that answers another
	// request than the one that it would have sent.
	Unclear bool
}

// Compare compares two decisions about the request that came with these headers. It
// returns nil while their steps to come may change the result.
func Compare(active, other *Decision, came [][2]string) *Difference {
	least := min(active.state, other.state)
	if least == nothing || least == sent {
		return nil
	}
	d := new(Difference)
	a, b := active.Refusal(), other.Refusal()
	if least == final {
		before, after := headersAfter(&active.sent.Changes, came), headersAfter(&other.sent.Changes, came)
		d.lacks(before, after)
		d.lacks(after, before)
		if !same(active.sent.Changes.Body, other.sent.Changes.Body) {
			d.Upstream = append(d.Upstream, "body")
		}
		d.add(Upstream, d.Upstream != nil)
		d.Unclear = d.Upstream != nil && b != nil && b.Outcome == decide.Withheld
	}
	switch {
	case a == nil && b == nil:
		d.add(Masked, !same(active.answered(), other.answered()))
	case a == nil:
		d.add(Denies, true)
	case b == nil:
		d.add(Allows, true)
	default:
		d.add(Outcome, a.Outcome != b.Outcome || a.Status != b.Status || active.state != other.state)
	}
	return d
}

//go:noinline
func (d *Difference) add(kind string, differs bool) {
	if differs {
		d.Kinds = append(d.Kinds, kind)
	}
}

// same reports whether two bodies are alike; nil is the one that came.
func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// lacks adds the names of those lines that the others do not have.
func (d *Difference) lacks(lines, others []string) {
	for _, line := range lines {
		name, _, _ := strings.Cut(line, ": ")
		// content-length differs if the body does.
		if name != "content-length" && !slices.Contains(others, line) && !slices.Contains(d.Upstream, name) {
			d.Upstream = append(d.Upstream, name)
		}
	}
}

// headersAfter returns the lines of the header after the changes.
func headersAfter(c *decide.Changes, came [][2]string) (lines []string) {
	set := c.SetHeaders
	if c.Path != "" {
		set = append(set[:len(set):len(set)], [2]string{":path", c.Path})
	}
	for i := range came {
		name := strings.ToLower(came[i][0])
		if !slices.Contains(c.RemoveHeaders, name) && !slices.ContainsFunc(set, func(f [2]string) bool { return f[0] == name }) {
			lines = appendLine(lines, name, came[i][1])
		}
	}
	for i := range set {
		lines = appendLine(lines, set[i][0], set[i][1])
	}
	return lines
}

//go:noinline
func appendLine(lines []string, name, text string) []string {
	return append(lines, name+": "+text)
}
