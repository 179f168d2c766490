package engine

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/host/explain"
)

// located is the answer of log.
type located struct {
	Decision *explain.Located `json:"decision"`
	// Entry is the line, if it is one of the decision log: it has the request.
	Entry *decisionlog.Entry `json:"entry,omitempty"`
}

// locate finds the clause that a line of a log names.
func locate(q *Question) (any, error) {
	c, err := q.load(q.Policy)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("the policy has a fault, so the line cannot be found in it")
	}
	var names []string
	for _, r := range c.Policy.Resources() {
		names = append(names, r.Name)
	}
	record, err := explain.ParseLine(q.Text, names)
	if err != nil {
		return nil, err
	}
	out := &located{Decision: explain.Locate(record, c.Policy, c.file, maskOf(c))}
	if entry, err := decisionlog.Parse([]byte(strings.TrimSpace(q.Text))); err == nil {
		out.Entry = entry
	}
	return out, nil
}
