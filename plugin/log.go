package main

import (
	"time"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy"
)

// logRefusal counts and logs a refusal, and shows it to the access log. waited: the
// message was held. An error here does not keep the client from its answer.
func (s *stream) logRefusal(r *decide.Refusal, waited bool) {
	defer func() { _ = recover() }()
	s.plugin.metrics.decision(s.resource, r.Outcome)
	if r.Why != "" {
		s.plugin.metrics.count("unknown_total", r.Why, labelOf(s.resource))
	}
	if s.direction == request && !s.received.IsZero() {
		s.plugin.metrics.took(s.received, waited)
	}
	setDecision(describe(r, s.resource))
	if !s.logDecision(r) {
		s.logLine(r, "rulegate: refused: ")
	}
}

// describe is a refusal as the access log shows it.
func describe(r *decide.Refusal, to *policy.Resource) string {
	return lightfmt.Sprintf("%s %d %s %s", string(r.Outcome), r.Status, dash(resourceName(to)), dash(r.Where()))
}

// logLine writes a refusal as a line of text, unless there were too many.
func (s *stream) logLine(r *decide.Refusal, prefix string) {
	ok, suppressed := s.plugin.vm.denials.take(time.Now())
	if !ok {
		return
	}
	line := lightfmt.Sprintf("%sstatus=%d outcome=%s id=%q route=%q clause=%q reason=%q",
		prefix, r.Status, string(r.Outcome), shorten(s.requestID()), resourceName(s.resource), r.Where(), shorten(r.Reason))
	if suppressed > 0 {
		line += lightfmt.Sprintf(" left_out=%d", suppressed)
	}
	if r.Status >= 500 {
		abi.Log(abi.Warn, line)
	} else {
		abi.Log(abi.Info, line)
	}
}

// setDecision shows a decision to the access log, as
// %FILTER_STATE(wasm.rulegate.decision:PLAIN)%.
func setDecision(decision string) {
	if err := abi.SetProperty("rulegate.decision", decision); err != nil {
		abi.Debugf("rulegate: decision not in the filter state: %v", err)
	}
}

// setHold tells Envoy's routes that the response may be held, so that its longer idle
// timeout is not for this request: see package envoyconf.
func setHold() {
	if err := abi.SetProperty("rulegate.hold", "1"); err != nil {
		abi.Debugf("rulegate: hold not in the filter state: %v", err)
	}
}

func resourceName(r *policy.Resource) string {
	if r == nil {
		return ""
	}
	return r.Name
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// shorten bounds the length of a text in a line of the log.
func shorten(s string) string {
	if len(s) > 400 {
		return s[:400] + "…"
	}
	return s
}

// bucket limits the rate of log lines.
type bucket struct {
	tokens     float64
	last       time.Time
	suppressed int // lines since the last one that was written
}

const (
	linesPerSecond = 10
	linesAtOnce    = 20
)

// take reports whether a line may be written and, if so, how many lines before
// it were suppressed.
func (b *bucket) take(now time.Time) (ok bool, suppressed int) {
	return b.takeAt(now, linesPerSecond, linesAtOnce)
}

// takeAt is take with other limits.
func (b *bucket) takeAt(now time.Time, perSecond, atOnce float64) (ok bool, suppressed int) {
	if b.last.IsZero() {
		b.tokens = atOnce
	} else if d := now.Sub(b.last); d > 0 {
		b.tokens = min(atOnce, b.tokens+d.Seconds()*perSecond)
	}
	b.last = now
	if b.tokens < 1 {
		b.suppressed++
		return false, 0
	}
	b.tokens--
	suppressed, b.suppressed = b.suppressed, 0
	return true, suppressed
}
