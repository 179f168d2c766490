package interleave

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// oracle decides a request alone, in a VM in which nothing else has happened.
type oracle struct {
	t      testing.TB
	code   *code
	images map[string]*image
	runs   int

	grouped int

	simulators map[*variant]*simulator
}

// image returns the memory of a VM with a variant whose log is another, or "".
func (o *oracle) image(v *variant, log string) (*image, error) {
	key := v.name + log
	if i := o.images[key]; i != nil {
		return i, nil
	}
	i, err := o.code.newImage(v.plugin(o.t, log))
	if err == nil {
		o.images[key] = i
	}
	return i, err
}

// alone returns what is seen of a stream's request if it comes at the same time to a VM
// of its own.
func (o *oracle) alone(v *variant, s *stream, received time.Time) (*stream, error) {
	log := v.log
	if log != "" {
		sample := "sample: 0, always: []"
		if s.hasLine() {
			sample = "sample: 1"
		}
		log = withSample(log, sample)
	}
	i, err := o.image(v, log)
	if err != nil {
		return nil, err
	}
	o.runs++
	m, err := i.fresh(received)
	if err != nil {
		return nil, err
	}
	alone, err := m.open(1, 2, s.script)
	for _, e := range s.history {
		if err == nil {
			err = alone.repeat(e, s)
		}
	}
	for err == nil && s.ended() && !alone.ended() {
		if f := alone.next(false); f != nil {
			err = alone.step(f)
			continue
		}
		if len(m.calls) == 0 {
			break
		}
		err = alone.deliver(s, func(*call) bool { return true })
	}
	if err == nil {
		err = alone.close()
	}
	return alone, err
}

// repeat has an event that another stream has had with the same request, if it may come.
func (s *stream) repeat(e event, as *stream) (err error) {
	switch f := map[eventKind]*flow{requestEvent: &s.request, responseEvent: &s.response}[e.kind]; {
	case e.kind == replyEvent:
		err = s.deliver(as, func(c *call) bool { return c.ask == e.ask })
	case f.canStep() && (f == &s.request || s.next(true) == f):
		err = s.step(f)
	}
	if err == nil { // the replies that the other stream had no need for
		err = s.deliver(as, func(c *call) bool { return c.by == nil || c.ask.number >= as.asks[c.ask.question] })
	}
	return err
}

// deliver brings the replies to calls of the stream. One to a question that the other
// stream has not asked is a good one.
func (s *stream) deliver(as *stream, which func(*call) bool) error {
	v := s.vm
	for _, c := range slices.Clone(v.calls) {
		if !which(c) {
			continue
		}
		r, times := status("200", keySet(true)), 1
		if c.by != nil {
			r, times = c.answer(as.questions[c.ask.question])
		}
		if err := v.deliver(c, r, times); err != nil {
			return err
		}
		if err := v.settle(); err != nil {
			return err
		}
	}
	return nil
}

// hasLine reports whether the decision was written.
func (s *stream) hasLine() bool {
	if s.properties["rulegate.log"] != "" {
		return true
	}
	return slices.ContainsFunc(s.lines, func(l string) bool {
		return strings.HasPrefix(l, "rulegate: decision: ") && !strings.Contains(l, `"candidate":`)
	})
}

// withSample returns the section log of a policy with another sample.
func withSample(log, sample string) string {
	from := strings.Index(log, "sample")
	rest := log[from:]
	end := strings.IndexAny(rest, ",}")
	out := log[:from] + sample + rest[end:]
	if strings.Contains(sample, "always") {
		if from, _, ok := strings.Cut(out, ", always: [no"); ok {
			out = from + "}"
		}
	}
	return out
}

// differences compares what was seen of a stream in company with what is seen of it
// alone. whole: it came to its end.
func differences(got, want map[string]string, whole bool) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if w, ok := want[name]; !ok || w != got[name] {
			found = append(found, fmt.Sprintf("%s:\n   got  %.2000s\n   want %.2000s", name, got[name], orNothing(w, ok)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[name]; !ok && whole && !strings.HasPrefix(name, "log ") {
			found = append(found, fmt.Sprintf("%s:\n   got  nothing\n   want %.2000s", name, want[name]))
		}
	}
	return found
}

func orNothing(text string, ok bool) string {
	if !ok {
		return "nothing"
	}
	return text
}
