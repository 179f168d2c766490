package jwks

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// Reply is the reply to a fetch, or its failure.
type Reply struct {
	Err          string // why there is no reply; "": there is one
	Status       string
	CacheControl string // the field's value, its lines joined with commas
	Age          string
	Encoded      bool // the reply has a content-encoding other than identity
	Body         string

	refused string // why a reply is not used; ""
}

// RequestHeaders are the fields of a fetch, besides the pseudo-headers.
var RequestHeaders = [...][2]string{
	{"accept", "application/jwk-set+json, application/json"}, {"accept-encoding", "identity"}, {"user-agent", "rulegate"},
}

// Header notes a field of the reply, by its name in lower case; :status is one.
func (r *Reply) Header(name, value string) {
	switch name {
	case ":status":
		r.Status = value
	case "cache-control":
		if r.CacheControl != "" {
			r.CacheControl += ","
		}
		r.CacheControl += value
	case "age":
		r.Age = value
	case "content-encoding":
		r.Encoded = r.Encoded || !strings.EqualFold(strings.TrimSpace(value), "identity")
	}
}

// Check returns an error if the reply has no set. Keyring.Done checks the set.
func (r *Reply) Check() error {
	if f := r.failure(); f != nil {
		return errors.New(f.text)
	}
	return nil
}

func (r *Reply) failure() *failure {
	switch {
	case r.refused != "":
		return &failure{Refused, r.refused}
	case r.Err != "":
		return &failure{Failed, r.Err}
	case r.Status != "200":
		return &failure{Failed, "answered " + r.Status + " (redirects are not followed)"}
	case r.Encoded:
		return &failure{Refused, "answered with a content-encoding, which was not asked for"}
	}
	return nil
}

// Tick reads the store, drops sets that are too old, and returns the fetches to
// make now. The caller calls it several times a second.
func (k *Keyring) Tick(now time.Time) (fetches []Fetch, events []Event) {
	for i := range k.sources {
		s := &k.sources[i]
		r, version := k.load(s)
		k.talk(s)
		events = append(events, k.follow(i, r, now)...)
		if s.text != "" && s.tooStale(s.expires, now.UnixMicro()) {
			k.set, s.text = k.set.WithoutKeys(i), ""
			k.generation++
			events = append(events, Event{i, Dropped, "no new set for longer than maxStale: its tokens get 503", true})
		}
		if !s.due(r, now) || k.hinted(s, now.UnixMicro()) {
			continue
		}
		s.hintedSince = 0
		r.owner, r.lastStart, r.lease = k.randomNumber(), now.UnixMicro(), now.Add(s.leaseTime()).UnixMicro()
		if k.save(s, r, version) {
			if r.failures > 0 { // one worker tries for all
				k.hint(s, now.Add(s.leaseTime()))
			}
			s.last, s.ownStart = r, r.lastStart
			fetches = append(fetches, Fetch{Index: i, URL: s.URL, Cluster: s.Cluster, started: r.lastStart, owner: r.owner, metadata: s.Issuer != ""})
		}
	}
	return fetches, events
}

// leaseTime is how long a fetch keeps other workers from fetching the set.
func (s *source) leaseTime() time.Duration {
	if s.Issuer != "" { // the metadata, then the set
		return 2*Timeout + leaseGrace
	}
	return Timeout + leaseGrace
}

// tooStale reports whether a set that expires at that time is too old to use.
func (s *source) tooStale(expires, now int64) bool {
	return now > expires+s.MaxStale.Microseconds()
}

// due reports whether a fetch should start. A time that is further ahead than it
// can honestly be, as after the clock was set back, delays nothing.
func (s *source) due(r record, now time.Time) bool {
	at := now.UnixMicro()
	ahead := func(t int64, most time.Duration) bool { return t > at && t <= at+most.Microseconds() }
	switch {
	case ahead(r.lease, s.leaseTime()), ahead(r.retry, maxRetry), ahead(s.ownStart+firstRetry.Microseconds()/2, firstRetry):
		return false
	case s.awaitsWord(r, at):
		return false
	case s.text == "", !ahead(r.refresh, maxLife):
		return true
	}
	unknownSinceFetch := s.unknownKey >= r.setStart || r.setStart > at
	return unknownSinceFetch && !ahead(r.lastStart+Interval.Microseconds(), Interval)
}

// follow uses the set that another worker has fetched since the last tick.
func (k *Keyring) follow(i int, r record, now time.Time) (events []Event) {
	s := &k.sources[i]
	if r.lastEndedStart != s.last.lastEndedStart {
		k.generation++
	}
	s.last = r
	at := now.UnixMicro()
	older := r.setStart <= s.setStart && s.setStart <= at
	if older || r.setStart == s.setStart || r.setStart == s.badStart || s.tooStale(r.expires, at) || !s.believes(r) {
		return nil
	}
	text, ok := k.loadSet(s, r.version)
	if !ok {
		return nil // another worker is writing it, or its MAC does not verify: keep the current set
	}
	if text == s.text {
		s.setStart, s.expires = r.setStart, r.expires
		k.remember(s)
		return nil
	}
	used, skipped, err := k.use(i, text)
	if err != nil {
		s.badStart = r.setStart
		return []Event{{i, Refused, "shared by another worker: " + err.Error(), true}}
	}
	s.setStart, s.expires = r.setStart, r.expires
	k.remember(s)
	return []Event{{i, Shared, lightfmt.Sprintf("%s, from another worker", described(used, skipped)), false}}
}

// described counts the keys of a set, and says why some are not used.
func described(used int, skipped []string) string {
	text := lightfmt.Sprintf("%d keys, %d skipped", used, len(skipped))
	if len(skipped) > 0 {
		text += " (" + strings.Join(skipped, "; ") + ")"
	}
	return text
}

// use replaces the keys of a source by those of a set's text.
func (k *Keyring) use(i int, text string) (used int, skipped []string, err error) {
	set, used, skipped, err := k.set.WithKeys(i, text)
	if err != nil {
		return 0, nil, err
	}
	k.set = set
	k.sources[i].text, k.sources[i].absent = text, nil
	k.generation++
	return used, skipped, nil
}

// Done passes the reply to a fetch. It uses the set in it, if there is one, and
// shares the outcome with the other workers. If the reply names the set, next is the
// fetch of the set, and there is no event yet.
func (k *Keyring) Done(f Fetch, reply Reply, now time.Time) (e Event, next *Fetch) {
	s := &k.sources[f.Index]
	if f.metadata && reply.failure() == nil {
		address, err := s.KeysURL(reply.Body)
		if err == nil {
			f.URL, f.Cluster, f.metadata = address, s.KeysCluster, false
			return Event{}, &f
		}
		reply = Reply{refused: "metadata: " + err.Error()}
	}
	return k.ended(f, reply, now), nil
}

// ended notes the outcome of a fetch that no other one follows.
func (k *Keyring) ended(f Fetch, reply Reply, now time.Time) Event {
	s := &k.sources[f.Index]
	r, version := k.load(s)
	// When the lease has ended and another worker fetches, the record is that
	// worker's: do not write it.
	mine := r.owner == f.owner
	if !mine {
		r = s.last
	}
	old := s.text
	used, skipped, failure := k.check(f.Index, &reply)
	k.generation++
	r.lease, r.lastEndedStart = 0, f.started
	e := Event{Index: f.Index}
	if failure != nil {
		e = k.failed(f.Index, &r, failure, now)
	} else {
		life := s.lifetime(&reply)
		k.succeeded(s, &r, f.started, life, now)
		e.Result = Same
		if s.text != old {
			e.Result, e.Text = Fetched, lightfmt.Sprintf("%s, good for %v", described(used, skipped), life)
			r.version++
			if mine {
				k.saveSet(s, r.version)
			}
		}
	}
	if !mine || k.save(s, r, version) {
		s.last = r
	}
	return e
}

// succeeded notes in the record, and in this worker, that a fetch brought a set.
func (k *Keyring) succeeded(s *source, r *record, started int64, life time.Duration, now time.Time) {
	if r.failures > 0 {
		k.hint(s, now) // the others need not wait
	}
	r.failed, r.failures, r.retry, r.setStart = false, 0, 0, started
	r.expires = now.Add(life).UnixMicro()
	r.refresh = now.Add(k.jitter(life*9/10, 0.2)).UnixMicro()
	s.setStart, s.expires = r.setStart, r.expires
	k.remember(s)
}

// failed notes in the record that a fetch failed, and when to try again.
func (k *Keyring) failed(i int, r *record, f *failure, now time.Time) Event {
	r.failed = true
	r.failures = min(r.failures+1, 16)
	pause := k.jitter(min(firstRetry<<(r.failures-1), maxRetry), 0.5)
	r.retry = now.Add(pause).UnixMicro()
	k.hint(&k.sources[i], now.Add(pause))
	text := lightfmt.Sprintf("%s; next try in %v", f.text, pause.Round(100*time.Millisecond))
	if k.sources[i].text != "" {
		text += ", until then the old keys stay in use"
	}
	return Event{Index: i, Result: f.result, Text: text, Bad: true}
}

// failure is why a reply is not used.
type failure struct {
	result Result
	text   string
}

// check uses the set in a reply, if there is one.
func (k *Keyring) check(i int, r *Reply) (used int, skipped []string, f *failure) {
	if f := r.failure(); f != nil {
		return 0, nil, f
	}
	if r.Body != "" && r.Body == k.sources[i].text {
		return 0, nil, nil
	}
	used, skipped, err := k.use(i, r.Body)
	if err != nil {
		return 0, nil, &failure{Refused, err.Error()}
	}
	return used, skipped, nil
}

// jitter shortens d by a random part of up to the share, so that workers do not
// all fetch at once.
func (k *Keyring) jitter(d time.Duration, share float64) time.Duration {
	return d - time.Duration(float64(d)*share*float64(k.randomNumber()>>11)/(1<<53))
}

// randomNumber returns 1 when there is no randomness: then workers may fetch at
// the same time, which is harmless.
func (k *Keyring) randomNumber() uint64 {
	var b [8]byte
	if _, err := k.random.Read(b[:]); err != nil {
		return 1
	}
	return binary.LittleEndian.Uint64(b[:])
}
