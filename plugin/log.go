package main

import (
	"fmt"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
)

// report counts, marks and logs a refusal. It decides nothing, so nothing that
// goes wrong in it keeps the client from an answer.
func (s *stream) report(r *decide.Refusal) {
	defer func() { _ = recover() }()
	s.plugin.counters.add(s.resource, r.Outcome)
	route, id := resourceName(s.resource), ""
	switch {
	case s.gate != nil:
		id = s.gate.Header("x-request-id")
	case s.mask != nil:
		id = s.mask.Header("x-request-id")
	}
	mark(fmt.Sprintf("%s %d %s %s", r.Outcome, r.Status, dash(route), dash(r.Place)))
	ok, suppressed := s.plugin.vm.denials.take(time.Now()) // not s.now, which is older the longer the request waited
	if !ok {
		return
	}
	line := fmt.Sprintf("rulegate: refused: status=%d outcome=%s id=%q route=%q clause=%q reason=%q",
		r.Status, r.Outcome, cut(id), route, r.Place, cut(r.Reason))
	if suppressed > 0 {
		line += fmt.Sprintf(" left_out=%d", suppressed)
	}
	if r.Status >= 500 {
		proxywasm.LogWarn(line)
	} else {
		proxywasm.LogInfo(line)
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

// cut bounds what a line holds of a reason.
func cut(s string) string {
	if len(s) > 400 {
		return s[:400] + "…"
	}
	return s
}

// bucket lets ten lines a second through, and twenty at once.
type bucket struct {
	tokens     float64
	last       time.Time
	suppressed int
}

const (
	linesPerSecond = 10
	linesAtOnce    = 20
)

// take says whether a line may be written, and how many were not before it.
func (b *bucket) take(now time.Time) (ok bool, suppressed int) {
	if b.last.IsZero() {
		b.tokens = linesAtOnce
	} else if d := now.Sub(b.last); d > 0 {
		b.tokens = min(linesAtOnce, b.tokens+d.Seconds()*linesPerSecond)
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
