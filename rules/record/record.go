// Package record is a line of the decision log: the struct and its text. The module
// writes it, and package host/decisionlog reads it, so there is one shape for all.
//
// The text is JSON on one line, of printable ASCII alone: whatever a client has sent is
// escaped. Each text in it is bounded, and so is the whole line.
package record

import (
	"strconv"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
)

// Version is the version of the format. Members may be added to it without a new one.
const Version = 1

// Entry is one decision.
type Entry struct {
	Version   int            `json:"v"`                   // of the format
	Time      time.Time      `json:"time"`                // of the request
	Policy    string         `json:"policy,omitempty"`    // the version of the policy: the hash of its text
	RequestID string         `json:"requestId,omitempty"` // x-request-id
	TraceID   string         `json:"traceId,omitempty"`   // of traceparent
	Of        string         `json:"of"`                  // request or response; calls: a line of the companion, about a request of the module
	Route     string         `json:"route,omitempty"`     // the name of the resource; nothing: none covers the request
	Mode      string         `json:"mode,omitempty"`      // shadow: the decision was not carried out
	Outcome   decide.Outcome `json:"outcome"`             // as in the metric rulegate_decisions_total
	Status    int            `json:"status,omitempty"`    // that the client got, if it was refused
	Clause    string         `json:"clause,omitempty"`    // the place of the clause that denied
	Name      string         `json:"name,omitempty"`      // of that clause, or of the nearest around it
	Reason    string         `json:"reason,omitempty"`    // of a denial
	Latency   float64        `json:"latencyMs,omitempty"` // of the decision, in milliseconds; the time that the upstream takes does not count
	Calls     []Call         `json:"calls,omitempty"`     // that were made for the decision
	Masked    []string       `json:"masked,omitempty"`    // paths of the response that were changed or removed, such as res.salary
	Request   *Request       `json:"request,omitempty"`   // nothing: its headers could not be read
	Verified  bool           `json:"verified,omitempty"`  // the request has a valid token or API key
	Claims    Values         `json:"claims,omitempty"`    // those that the policy's `log` lists, by their paths
	Body      Values         `json:"body,omitempty"`      // the parts that the policy's `log` lists, by their paths
	// Differs says how the policy's candidate decides otherwise: denies, allows, outcome, upstream or masked, as in the metric rulegate_shadow_differences_total. The line is about that, and the decision may have another
	Differs   []string `json:"differs,omitempty"`
	Upstream  []string `json:"upstream,omitempty"`  // parts of the request that the upstream would get otherwise: names of headers, :path and body
	Candidate *Entry   `json:"candidate,omitempty"` // the candidate's decision: its policy, outcome, status, clause, name, reason and masked
}

// Call is a query or a webhook of a decision.
type Call struct {
	Kind    string  `json:"kind"`                // query, webhook or introspect
	Target  string  `json:"target"`              // `database.collection`, or scheme and host of a URL
	Latency float64 `json:"latencyMs,omitempty"` // in milliseconds
	Error   string  `json:"error,omitempty"`     // why it failed
}

// Request is the request of a decision.
type Request struct {
	Method string `json:"method"`         // as it came
	Path   string `json:"path"`           // without the query
	Host   string `json:"host,omitempty"` // as it came
	IP     string `json:"ip,omitempty"`   // of the client
}

// Values are parts of a request, in the order of the policy's list.
type Values []Value

// Value is a part of a request by its path. JSON is its text.
type Value struct {
	Path string
	JSON string
}

// maxValuesDepth bounds the nesting of the values that UnmarshalJSON reads.
const maxValuesDepth = 128

// UnmarshalJSON reads an object.
func (v *Values) UnmarshalJSON(text []byte) error {
	doc, err := value.Parse(string(text), maxValuesDepth)
	if err != nil {
		return err
	}
	*v = nil
	doc.Each(func(path string, x value.Value) bool {
		*v = append(*v, Value{path, x.String()})
		return true
	})
	return nil
}

// MarshalJSON writes an object.
func (v Values) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, part := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(appendText(b, part.Path), ':'), part.JSON...)
	}
	return append(b, '}'), nil
}

// Bounds of a line, in bytes before they are escaped.
const (
	maxText   = 400
	maxValue  = 1 << 10
	maxListed = 100
	maxValues = 16 << 10 // of claims and body together
)

// cutValue stands in place of a value that is too long.
const cutValue = `"[cut]"`

// Append appends the text of an entry, without a line end.
func (e *Entry) Append(b []byte) []byte {
	o := object{append(b, '{')}
	o.int("v", Version)
	o.text("time", rules.FormatDate(e.Time), false)
	e.members(&o)
	return o.b
}

// members appends the other members, and closes the object.
func (e *Entry) members(o *object) {
	o.text("policy", e.Policy, true)
	o.text("requestId", e.RequestID, true)
	o.text("traceId", e.TraceID, true)
	o.text("of", e.Of, true)
	o.text("route", e.Route, true)
	o.text("mode", e.Mode, true)
	o.text("outcome", string(e.Outcome), false)
	o.int("status", e.Status)
	o.text("clause", e.Clause, true)
	o.text("name", e.Name, true)
	o.text("reason", e.Reason, true)
	o.float("latencyMs", e.Latency)
	if len(e.Calls) > 0 {
		o.key("calls")
		o.b = append(o.b, '[')
		for i := range e.Calls[:min(len(e.Calls), maxListed)] {
			o.call(&e.Calls[i], i)
		}
		o.b = append(o.b, ']')
	}
	o.texts("masked", e.Masked)
	if r := e.Request; r != nil {
		o.open("request")
		o.text("method", r.Method, false)
		o.text("path", r.Path, false)
		o.text("host", r.Host, true)
		o.text("ip", r.IP, true)
		o.b = append(o.b, '}')
	}
	if e.Verified {
		o.key("verified")
		o.b = append(o.b, "true"...)
	}
	left := maxValues
	o.values("claims", e.Claims, &left)
	o.values("body", e.Body, &left)
	o.texts("differs", e.Differs)
	o.texts("upstream", e.Upstream)
	if e.Candidate != nil {
		o.open("candidate")
		e.Candidate.members(o)
	}
	o.b = append(o.b, '}')
}

// object appends the members of an object that is open.
type object struct{ b []byte }

// The members are written once a decision: none of their functions is worth its code
// at each call.

//go:noinline
func (o *object) key(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

func (o *object) open(name string) {
	o.key(name)
	o.b = append(o.b, '{')
}

//go:noinline
func (o *object) int(name string, n int) {
	if n == 0 {
		return
	}
	o.key(name)
	o.b = strconv.AppendInt(o.b, int64(n), 10)
}

func (o *object) float(name string, f float64) {
	if f == 0 {
		return
	}
	o.key(name)
	o.b = strconv.AppendFloat(o.b, f, 'f', -1, 64)
}

//go:noinline
func (o *object) text(name, text string, optional bool) {
	if optional && text == "" {
		return
	}
	o.key(name)
	o.b = appendText(o.b, text)
}

//go:noinline
func (o *object) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	o.key(name)
	o.b = append(o.b, '[')
	for i, text := range list[:min(len(list), maxListed)] {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendText(o.b, text)
	}
	o.b = append(o.b, ']')
}

func (o *object) call(c *Call, i int) {
	if i > 0 {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '{')
	o.text("kind", c.Kind, false)
	o.text("target", c.Target, false)
	o.float("latencyMs", c.Latency)
	o.text("error", c.Error, true)
	o.b = append(o.b, '}')
}

// values appends parts of the request. left are the bytes that they may still take.
func (o *object) values(name string, list Values, left *int) {
	if len(list) == 0 {
		return
	}
	o.open(name)
	for _, v := range list {
		if o.b[len(o.b)-1] != '{' {
			o.b = append(o.b, ',')
		}
		o.b = append(appendText(o.b, v.Path), ':')
		if *left -= len(v.JSON); len(v.JSON) > maxValue || *left < 0 {
			o.b = append(o.b, cutValue...)
			continue
		}
		o.b = value.AppendASCII(o.b, v.JSON)
	}
	o.b = append(o.b, '}')
}
