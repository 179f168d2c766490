package main

import (
	"time"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/candidate"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/record"
)

// twin decides a stream's request by the candidate: a stream in shadow beside the one
// that acts. It gets the headers as they came. It gets a body that the active policy
// reads, or copies one that passes. A panic costs its decision, and nothing else.
type twin struct {
	stream
	came  [][2]string // the request's headers
	tape  candidate.Tape
	made  candidate.Decision // of the active policy
	other candidate.Decision // of the candidate
	over  bool               // compared, or not decided
	text  string             // of a body, for atWhole
}

// addTwin adds the twin, before the active policy decides. After a panic there is none.
func (s *stream) addTwin(headers [][2]string) {
	defer func() {
		if r := recover(); r != nil {
			abi.Errorf("rulegate: candidate: %v", r)
		}
	}()
	c := s.plugin.candidate
	t := new(twin)
	t.plugin, t.id, t.received, t.active, t.state = &c.plugin, s.id, s.received, s, passed
	t.room = c.vm.rooms.take()
	t.request = &t.room.request
	c.engine.Begin(t.request, properties{}, s.received)
	s.request.Rand, t.request.Rand = &candidate.Reader{Tape: &t.tape}, &candidate.Reader{Tape: &t.tape}
	t.came, s.twin = headers, t
}

// guardTwin ends the work of a candidate that began at a time.
func (t *twin) guardTwin(begun time.Time) {
	if r := recover(); r != nil {
		t.panickedInShadow(r)
	}
	p := t.active.plugin
	c := p.candidate
	if c.spent += abi.Now().Sub(begun); c.spent >= time.Second {
		p.metrics.countN("candidate_seconds_total", "", "", uint64(c.spent/time.Second))
		c.spent %= time.Second
	}
}

// event is a part of a message that the twin sees.
type event uint8

const (
	atHeaders  event = iota // of the request
	atPiece                 // of a body that passes
	atWhole                 // a body that the active policy has read
	atResponse              // its headers
)

// at has the candidate go on with a part of the message.
func (t *twin) at(e event, d direction, size int, end bool) {
	if t.over {
		return
	}
	defer t.guardTwin(abi.Now())
	switch e {
	case atHeaders:
		t.failForTest()
		t.observe(t.request.Headers(t.came, end))
	case atPiece:
		t.observeBody(d, size, end)
	case atWhole:
		t.observeWhole(d)
	case atResponse:
		t.observeResponse(end)
	}
}

// whole brings a body that the active policy has read.
func (t *twin) whole(d direction, text string) {
	t.text = text
	t.at(atWhole, d, 0, true)
	t.text = ""
}

func (t *twin) observeWhole(d direction) {
	switch {
	case d != t.direction || t.shadow != shadowBody && t.shadow != shadowReplies:
	case !t.hold(len(t.text)):
		t.undecided("memory")
	case t.shadow == shadowBody:
		t.observe(t.message().Body(t.text))
	default:
		t.ended, t.seen = true, []byte(t.text)
	}
}

// proceeds notes that the active policy lets its message go on.
func (t *twin) proceeds(step *decide.Step) {
	s := t.active
	if s.state.gathered() || s.gathered > 0 && s.state.gathers() {
		t.missed()
	}
	t.take(&t.made, s, step)
}

// missed is called if the host held bytes of a body that nobody has read.
func (t *twin) missed() {
	switch t.shadow {
	case shadowBody:
		t.undecided("body")
	case shadowReplies:
		t.shadow = shadowUncollected
	}
}

// decided notes the candidate's decision about its message.
func (t *twin) decided(s *stream, step *decide.Step) {
	if t.shadow = shadowCompared; step.Response == nil {
		t.take(&t.other, s, step)
		return
	}
	t.awaitUpstream(step.Response)
	t.take(&t.other, nil, step)
}

// take takes a decision of one of the two, and compares them if it is the last one. s is
// the stream of a response that was decided; nil: there is none.
func (t *twin) take(d *candidate.Decision, s *stream, step *decide.Step) {
	defer t.guardShadow()
	kept := *step
	d.Take(&kept)
	if s != nil && s.response != nil {
		d.Masked = s.response.Masked()
	}
	t.compare()
}

// compare counts and logs the difference, once there is one or none.
func (t *twin) compare() {
	if t.over {
		return
	}
	s := t.active
	d := candidate.Compare(&t.made, &t.other, t.came)
	switch {
	case d == nil:
		return
	case d.Unclear:
		t.undecided("response")
		return
	}
	m, e, resource := &s.plugin.metrics, new(record.Entry), labelOf(s.resource)
	e.Policy, e.Outcome, e.Masked = t.plugin.policy.Version, decide.Yes, t.other.Masked
	if r := t.other.Refusal(); r != nil {
		addRefusal(e, r)
	}
	t.end()
	m.count("candidate_decisions_total", string(e.Outcome), resource)
	for _, kind := range d.Kinds {
		m.count("shadow_differences_total", kind, resource)
	}
	if d.Kinds != nil {
		t.log(d, e)
	}
}

// undecided counts a request that the candidate has not decided.
func (t *twin) undecided(reason string) {
	if t.over {
		return
	}
	t.end()
	t.active.plugin.metrics.count("candidate_undecided_total", reason, labelOf(t.active.resource))
}

func (t *twin) end() {
	t.over = true
	t.endShadow()
}

// leave is called when the stream is over.
func (t *twin) leave() {
	defer t.guardShadow()
	t.undecided("ended")
	t.state = gone
	t.settle()
}

// log writes the line of a difference: that of the decision, and the candidate's.
func (t *twin) log(d *candidate.Difference, made *record.Entry) {
	s := t.active
	p := s.plugin
	perSecond, atOnce := float64(linesPerSecond), float64(linesAtOnce)
	if p.decisions.log {
		perSecond, atOnce = decisionsPerSecond, decisionsAtOnce
	}
	now := abi.Now()
	if ok, _ := p.candidate.rate.takeAt(now, perSecond, atOnce); !ok {
		p.metrics.count("log_dropped_total", "", "")
		return
	}
	p.metrics.count("log_lines_total", "", "")
	e := s.entry(t.made.Refusal(), now)
	e.Latency, e.Masked = 0, t.made.Masked
	e.Differs, e.Upstream, e.Candidate = d.Kinds, d.Upstream, made
	abi.Log(abi.Info, "rulegate: decision: "+string(e.Append(nil)))
}
