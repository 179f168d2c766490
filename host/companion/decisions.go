package companion

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/record"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Decisions is the companion's part of the decision log: a line for each request for
// calls, or for each call of a group. The companion does not know the request that the module decides, nor the
// decision, so a line has neither.
type Decisions struct {
	log   *policy.Log // nil: every request has its line
	write func(line string)

	mu      sync.Mutex
	sampled float64 // the requests that a line is due for
}

// NewDecisions returns a log of the requests that l names, or of all if it is nil.
func NewDecisions(l *policy.Log, write func(line string)) *Decisions {
	return &Decisions{log: l, write: write}
}

// wants reports whether the next request has its line.
func (d *Decisions) wants(outcome decide.Outcome) bool {
	if d.log == nil {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sampled += d.log.Sample; d.sampled >= 1 {
		d.sampled--
		return true
	}
	return outcome != decide.Yes && slices.Contains(d.log.Always, string(outcome))
}

// entry begins the line of a request for calls.
func (c *Companion) entry(ctx context.Context, h http.Header) *record.Entry {
	if c.decisions == nil {
		return &record.Entry{}
	}
	e := &record.Entry{Time: time.Now(), Policy: c.version, RequestID: h.Get("x-request-id"), Of: "calls", Outcome: decide.Yes}
	of := trace.SpanContextFromContext(traceContext.Extract(ctx, propagation.HeaderCarrier(h)))
	if of.HasTraceID() {
		e.TraceID = of.TraceID().String()
	}
	return e
}

// decided writes the line. A request that was not answered has the outcomes of the
// module's decisions: token (it is not the module's), invalid, and error.
func (c *Companion) decided(e *record.Entry) {
	if c.decisions == nil || !c.decisions.wants(e.Outcome) {
		return
	}
	e.Latency = float64(time.Since(e.Time).Microseconds()) / 1000
	c.decisions.write(string(e.Append(nil)))
}

// refused notes why a request for calls is not answered.
func refused(e *record.Entry, outcome decide.Outcome, status int, reason string) {
	e.Outcome, e.Status, e.Reason = outcome, status, reason
}

// addCalls notes the calls of a request, which have been answered or failed.
func addCalls(e *record.Entry, calls []*call, failed []string) {
	for i, x := range calls {
		e.Calls = append(e.Calls, record.Call{
			Kind: kindLabel(x.kind), Target: x.target(), Latency: float64(x.took.Microseconds()) / 1000, Error: failed[i],
		})
		if failed[i] != "" && e.Outcome == decide.Yes {
			e.Outcome, e.Reason = decide.Failed, failed[i]
		}
	}
}

// tooMuch is the reason of a request that was shed.
const tooMuch = string(failure.Busy)
