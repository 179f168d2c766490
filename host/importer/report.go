package importer

import (
	"fmt"
	"io"
	"strings"

	"github.com/rulegate/rulegate/host/report"
)

// Outcome says whether a part of the configuration was carried over.
type Outcome string

const (
	CarriedOver Outcome = "carried over"
	Rewritten   Outcome = "rewritten"
	Dropped     Outcome = "dropped"
	ToDecide    Outcome = "to decide"
)

// Item is one line of a report.
type Item struct {
	Outcome Outcome `json:"outcome"`
	At      string  `json:"at,omitempty"` // file:line of the source
	Part    string  `json:"part"`         // the part of the source, such as ingress route orders
	Before  string  `json:"before,omitempty"`
	After   string  `json:"after,omitempty"`
	Reason  string  `json:"reason,omitempty"`
}

// Report lists the parts of a configuration with their outcomes.
type Report struct {
	// Notes are for the reader to know first.
	Notes []string `json:"notes,omitempty"`
	Items []Item   `json:"items"`

	has map[Item]bool
}

// Add adds an item, unless the report has the same one.
func (r *Report) Add(item Item) {
	if r.has[item] {
		return
	}
	if r.has == nil {
		r.has = map[Item]bool{}
	}
	r.has[item] = true
	r.Items = append(r.Items, item)
}

// Count returns the number of items of an outcome.
func (r *Report) Count(o Outcome) (n int) {
	for _, item := range r.Items {
		if item.Outcome == o {
			n++
		}
	}
	return n
}

// Write prints the report: the notes, then the items by their outcome.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	for _, o := range []Outcome{ToDecide, Dropped, Rewritten, CarriedOver} {
		if r.Count(o) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s:\n", o)
		for _, item := range r.Items {
			if item.Outcome == o {
				item.write(&b)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (i *Item) write(b *strings.Builder) {
	var line strings.Builder
	if i.At != "" {
		line.WriteString(i.At + ": ")
	}
	line.WriteString(i.Part)
	if i.Before != "" {
		fmt.Fprintf(&line, ": %s → %s", i.Before, i.After)
	}
	if i.Reason != "" {
		line.WriteString(": " + i.Reason)
	}
	// A name of the source may have ends of lines and what a terminal obeys.
	b.WriteString("  " + strings.ReplaceAll(report.Printable(line.String()), "\n", " ") + "\n")
}
