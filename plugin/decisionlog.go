package main

import (
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/record"
	"github.com/rulegate/rulegate/rules/value"
)

// decisionLog writes the decisions of a plugin, as the policy's log says.
type decisionLog struct {
	policy   *policy.Log // nil: nothing is written
	log      bool        // to the host's log
	metadata bool        // to the filter state
	sampled  float64     // the decisions that a line is due for
	rate     bucket
}

const (
	decisionsPerSecond = 1000
	decisionsAtOnce    = 2000
)

func newDecisionLog(l *policy.Log) decisionLog {
	d := decisionLog{policy: l}
	if l != nil {
		d.log, d.metadata = slices.Contains(l.To, "log"), slices.Contains(l.To, "metadata")
	}
	return d
}

// wants reports whether the next decision is written.
func (d *decisionLog) wants(outcome decide.Outcome) bool {
	d.sampled += d.policy.Sample
	if d.sampled >= 1 {
		d.sampled--
		return true
	}
	return outcome != decide.Yes && slices.Contains(d.policy.Always, string(outcome))
}

// due reports whether the next decision is written, whatever it is.
func (d *decisionLog) due() bool { return d.policy != nil && d.sampled+d.policy.Sample >= 1 }

// pass counts a yes that is not written.
func (d *decisionLog) pass() {
	if d.policy != nil {
		d.sampled += d.policy.Sample
	}
}

// logDecision writes the decision about the stream's message; refusal is nil if it was
// let through. It reports whether the host's log has it.
func (s *stream) logDecision(refusal *decide.Refusal) (logged bool) {
	if s.plugin.decisions.policy == nil {
		return false
	}
	defer func() { _ = recover() }() // a line that cannot be written changes no decision
	d, outcome := &s.plugin.decisions, decide.Yes
	if refusal != nil {
		outcome = refusal.Outcome
	}
	if !d.wants(outcome) {
		return false
	}
	now := abi.Now()
	if ok, _ := d.rate.takeAt(now, decisionsPerSecond, decisionsAtOnce); !ok {
		s.plugin.metrics.count("log_dropped_total", "", "")
		return false
	}
	s.plugin.metrics.count("log_lines_total", "", "")
	line := string(s.entry(refusal, now).Append(nil))
	if d.metadata {
		if err := abi.SetProperty("rulegate.log", line); err != nil {
			abi.Debugf("rulegate: decision not in the filter state: %v", err)
		}
	}
	if d.log {
		abi.Log(abi.Info, "rulegate: decision: "+line)
	}
	return d.log
}

// entry returns the line of a decision.
func (s *stream) entry(r *decide.Refusal, now time.Time) *record.Entry {
	e := &record.Entry{
		Time: s.received, Policy: s.plugin.policy.Version, Of: "request", Route: resourceName(s.resource),
		Outcome: decide.Yes, Latency: milliseconds(now.Sub(s.received) - s.elsewhere), Calls: s.calls,
	}
	if s.inShadow() {
		e.Mode = "shadow"
	}
	if s.direction == response && s.response != nil {
		e.Masked = s.response.Masked()
	}
	if r != nil {
		addRefusal(e, r)
		if s.direction == response {
			e.Of = "response"
		}
	}
	if s.room != nil {
		s.describe(e)
	}
	return e
}

func addRefusal(e *record.Entry, r *decide.Refusal) {
	e.Outcome, e.Status, e.Clause, e.Name, e.Reason = r.Outcome, r.Status, r.Place, r.Name, r.Reason
}

// describe adds the parts of the request.
func (s *stream) describe(e *record.Entry) {
	f := s.room.request.Facts()
	shown := func(text string) string {
		if f.HasSecret(text) {
			return "[masked]"
		}
		return text
	}
	e.RequestID, e.TraceID = shown(f.Header("x-request-id")), traceID(f.Header("traceparent"))
	e.Reason = shown(e.Reason)
	path, _, _ := strings.Cut(f.Header(":path"), "?")
	e.Request = &record.Request{Method: f.Header(":method"), Path: shown(path), Host: shown(f.Header(":authority")), IP: properties{}.ClientIP()}
	parts := func(list []policy.LogPart, from value.Value) (out record.Values) {
		for _, part := range list {
			v := from
			for _, key := range part.Keys {
				v = v.Key(key)
			}
			if k := v.Kind(); k != value.Missing && k != value.Pending {
				text := v.String()
				if f.HasSecret(text) {
					text = `"[masked]"`
				}
				out = append(out, record.Value{Path: part.Path, JSON: text})
			}
		}
		return out
	}
	e.Verified = f.Verified
	if s.plugin.decisions.policy == nil {
		return // the line of a difference, which needs no log
	}
	e.Claims, e.Body = parts(s.plugin.decisions.policy.Claims, f.Claims), parts(s.plugin.decisions.policy.Body, f.Args)
}

// traceID returns the trace of a traceparent (W3C Trace Context, section 3.2).
func traceID(parent string) string {
	if len(parent) < 55 || parent[2] != '-' || parent[35] != '-' {
		return ""
	}
	return parent[3:35]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// noteCalls notes calls that are made now.
func (s *stream) noteCalls(calls []rules.Call) {
	if s.plugin.decisions.policy == nil {
		return
	}
	s.asked = abi.Now()
	for i := range calls {
		s.calls = append(s.calls, record.Call{Kind: calls[i].Kind.String(), Target: target(&calls[i])})
	}
}

// target names whom a call asks. The path of a webhook may hold a key.
func target(c *rules.Call) string {
	if c.Kind == rules.Query {
		return c.DB + "." + c.Col
	}
	u, err := httpfield.ParseURL(c.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// noteReplies counts and notes the replies to the last calls.
func (s *stream) noteReplies(calls []rules.Call, replies []rules.Reply) {
	s.plugin.metrics.replies(calls, replies)
	if s.asked.IsZero() {
		return
	}
	took := abi.Now().Sub(s.asked)
	for i := range min(len(replies), len(calls)) {
		to := target(&calls[i])
		for j := range s.calls {
			if c := &s.calls[j]; c.Target == to && c.Latency == 0 {
				c.Latency, c.Error = milliseconds(took), replies[i].Err
				break
			}
		}
	}
}
