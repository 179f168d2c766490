// Package decisionlog is the format of the decision log: one JSON object a line, one
// line a decision. Whoever writes the log and whoever reads it use the same struct.
//
// A line never has a token, a secret of the policy, or a value that the policy's
// `sensitive` names.
package decisionlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rulegate/rulegate/rules/decide"
)

// Version is the version of the format. Members may be added to it without a new one.
const Version = 1

// Entry is one decision.
type Entry struct {
	Version   int            `json:"v"`
	Time      time.Time      `json:"time"`                // of the request
	Policy    string         `json:"policy,omitempty"`    // the version of the policy: the hash of its text
	RequestID string         `json:"requestId,omitempty"` // x-request-id
	TraceID   string         `json:"traceId,omitempty"`   // of traceparent
	Of        string         `json:"of"`                  // request or response
	Route     string         `json:"route,omitempty"`     // the name of the resource; nothing: none covers the request
	Outcome   decide.Outcome `json:"outcome"`             // as in the metric rulegate_decision
	Status    int            `json:"status,omitempty"`    // that the client got, if it was refused
	Clause    string         `json:"clause,omitempty"`    // the place of the clause that denied
	Name      string         `json:"name,omitempty"`      // of that clause, or of the nearest around it
	Reason    string         `json:"reason,omitempty"`    // of a denial
	Latency   float64        `json:"latencyMs,omitempty"` // of the decision, in milliseconds
	Calls     []Call         `json:"calls,omitempty"`
	Masked    []string       `json:"masked,omitempty"` // paths of the response that were changed or removed, such as res.salary
	Request   *Request       `json:"request,omitempty"`
	// Claims and Body are the parts that the policy's `log` lists, by their paths.
	Claims map[string]json.RawMessage `json:"claims,omitempty"`
	Body   map[string]json.RawMessage `json:"body,omitempty"`
}

// Call is a query or a webhook of a decision.
type Call struct {
	Kind    string  `json:"kind"`   // query or webhook
	Target  string  `json:"target"` // `database.collection`, or the URL
	Latency float64 `json:"latencyMs,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// Request is the request of a decision.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"` // without the query
	Host   string `json:"host,omitempty"`
	IP     string `json:"ip,omitempty"`
}

// Parse reads a line.
func Parse(line []byte) (*Entry, error) {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, fmt.Errorf("not a line of the decision log: %w", err)
	}
	switch {
	case e.Version == 0 || e.Outcome == "":
		return nil, errors.New("not a line of the decision log: want the members v and outcome")
	case e.Version > Version:
		return nil, fmt.Errorf("a line of version %d of the decision log; this program reads up to %d", e.Version, Version)
	}
	return &e, nil
}

// Append appends the line of an entry, with its line end.
func (e *Entry) Append(b []byte) ([]byte, error) {
	e.Version = Version
	line, err := json.Marshal(e)
	if err != nil {
		return b, err
	}
	return append(append(b, line...), '\n'), nil
}
