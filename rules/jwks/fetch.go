package jwks

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Reply is what became of a fetch.
type Reply struct {
	Err          string // why there is no reply; "": there is one
	Status       string
	CacheControl string // the field's value, all lines joined with commas
	Age          string
	Encoded      bool // there is a content-encoding
	Body         string
}

// Tick looks into the store, drops what is too old, and says what is to be
// fetched now. It is called many times a second.
func (k *Keyring) Tick(now time.Time) (fetches []Fetch, events []Event) {
	for i := range k.sources {
		s := &k.sources[i]
		st, version := k.load(s)
		events = append(events, k.follow(i, st, now)...)
		if s.text != "" && now.UnixMicro() > s.expires+s.MaxStale.Microseconds() {
			k.set, s.text = k.set.WithoutKeys(i), ""
			k.changes++
			events = append(events, Event{i, "dropped", "no other came for longer than maxStale: its tokens get 503", true})
		}
		if !s.due(st, now) {
			continue
		}
		st.owner, st.started, st.lease = k.number(), now.UnixMicro(), now.Add(lease).UnixMicro()
		if k.save(s, st, version) {
			s.last, s.began = st, st.started
			fetches = append(fetches, Fetch{Index: i, Source: s.Source, started: st.started, owner: st.owner})
		}
	}
	return fetches, events
}

// due says whether a fetch is to begin. A time that the clock cannot have come
// to honestly, as after it was set back, holds nothing up.
func (s *source) due(st state, now time.Time) bool {
	at := now.UnixMicro()
	ahead := func(t int64, most time.Duration) bool { return t > at && t <= at+most.Microseconds() }
	switch {
	case ahead(st.lease, lease), ahead(st.retry, maxRetry), ahead(s.began+firstRetry.Microseconds()/2, firstRetry):
		return false
	case s.text == "", !ahead(st.refresh, maxLife):
		return true
	}
	return (s.wanted >= st.good || st.good > at) && !ahead(st.started+Interval.Microseconds(), Interval)
}

// follow takes over what another has fetched since.
func (k *Keyring) follow(i int, st state, now time.Time) (events []Event) {
	s := &k.sources[i]
	if st.ended != s.last.ended {
		k.changes++
	}
	s.last = st
	at := now.UnixMicro()
	switch older := st.good <= s.took && s.took <= at; {
	case older, st.good == s.took, st.good == s.refused, at > st.expires+s.MaxStale.Microseconds():
		return nil
	}
	text, ok := k.loadSet(s, st.version)
	if !ok {
		return nil // being written, or nobody's we know: what is here serves on
	}
	if text == s.text {
		s.took, s.expires = st.good, st.expires
		return nil
	}
	used, passed, err := k.take(i, text)
	if err != nil {
		s.refused = st.good
		return []Event{{i, "refused", "shared by another worker: " + err.Error(), true}}
	}
	s.took, s.expires = st.good, st.expires
	return []Event{{i, "shared", fmt.Sprintf("%d keys, %d passed over, from another worker", used, passed), false}}
}

// take puts a set's keys in the place of those that were there.
func (k *Keyring) take(i int, text string) (used, passed int, err error) {
	set, used, passed, err := k.set.WithKeys(i, text)
	if err != nil {
		return 0, 0, err
	}
	k.set = set
	k.sources[i].text, k.sources[i].absent = text, nil
	k.changes++
	return used, passed, nil
}

// Done brings what became of a fetch.
func (k *Keyring) Done(f Fetch, r Reply, now time.Time) Event {
	s := &k.sources[f.Index]
	st, version := k.load(s)
	mine := st.owner == f.owner
	e := Event{Index: f.Index}
	text := s.text
	used, passed, err := k.judge(f.Index, &r)
	k.changes++
	if !mine { // late: the lease was another's by now, and so is the record
		st = s.last
	}
	st.lease, st.ended = 0, f.started
	if err != nil {
		e.Result, e.Bad = err.result, true
		st.failed = true
		st.fails = min(st.fails+1, 16)
		pause := k.jitter(min(firstRetry<<(st.fails-1), maxRetry), 0.5)
		st.retry = now.Add(pause).UnixMicro()
		e.Text = fmt.Sprintf("%s; next try in %.1f s", err.text, pause.Seconds())
		if s.text != "" {
			e.Text += ", until then the old keys serve"
		}
	} else {
		life := s.life(&r)
		st.failed, st.fails, st.retry, st.good = false, 0, 0, f.started
		st.expires = now.Add(life).UnixMicro()
		st.refresh = now.Add(k.jitter(life*9/10, 0.2)).UnixMicro()
		s.took, s.expires = st.good, st.expires
		e.Result = "same"
		if s.text != text {
			e.Result, e.Text = "ok", fmt.Sprintf("%d keys, %d passed over, good for %v", used, passed, life)
			st.version++
			if mine {
				k.saveSet(s, st.version)
			}
		}
	}
	if !mine || k.save(s, st, version) {
		s.last = st
	}
	return e
}

type failure struct{ result, text string }

// judge takes a reply for a set, if it is one.
func (k *Keyring) judge(i int, r *Reply) (used, passed int, f *failure) {
	switch {
	case r.Err != "":
		return 0, 0, &failure{"failed", r.Err}
	case r.Status != "200":
		return 0, 0, &failure{"failed", "answered " + r.Status + " (redirects are not followed)"}
	case r.Encoded:
		return 0, 0, &failure{"refused", "answered with a content-encoding, which was not asked for"}
	case r.Body != "" && r.Body == k.sources[i].text:
		return 0, 0, nil
	}
	used, passed, err := k.take(i, r.Body)
	if err != nil {
		return 0, 0, &failure{"refused", err.Error()}
	}
	return used, passed, nil
}

// jitter shortens d by up to the share, so that not all fetch at once.
func (k *Keyring) jitter(d time.Duration, share float64) time.Duration {
	return d - time.Duration(float64(d)*share*float64(k.number()>>11)/(1<<53))
}

// number is random; should the source fail it is one number, which is no worse
// than all at once.
func (k *Keyring) number() uint64 {
	var b [8]byte
	if _, err := k.random.Read(b[:]); err != nil {
		return 1
	}
	return binary.LittleEndian.Uint64(b[:])
}
