package jwks

import "time"

// KeyState says how to go on with a token whose key is not in the Set.
type KeyState uint8

const (
	Unavailable KeyState = iota // the issuer cannot be asked: refuse with 503
	Absent                      // the issuer was asked and does not have the key: refuse with 401
	Wait                        // a fetch is under way or will start: try again when Generation grows
)

// Missing decides about a token whose key one of the sources may have (see
// token.Error.Missing), for a request that arrived at the time since. Only a
// fetch that started after since shows that a source does not have the key.
func (k *Keyring) Missing(sources []int, kid string, since, now time.Time) KeyState {
	wait, unavailable := false, false
	for _, i := range sources {
		if i < 0 || i >= len(k.sources) {
			continue
		}
		switch k.sources[i].missing(kid, since.UnixMicro(), now.UnixMicro()) {
		case Wait:
			wait = true
		case Unavailable:
			unavailable = true
		}
	}
	switch {
	case wait && now.Sub(since) < MaxWait:
		return Wait
	case wait || unavailable:
		return Unavailable
	}
	return Absent
}

func (s *source) missing(kid string, since, now int64) KeyState {
	switch {
	case s.text != "" && s.last.setStart > since && s.last.setStart <= now:
		s.remember(kid, now)
		return Absent
	case s.text != "" && s.remembers(kid, now):
		return Absent
	case s.awaitsWord(s.last, now):
		return Wait // a neighbour's set may be used in a moment
	case s.last.lastEndedStart > since && s.last.lastEndedStart <= now && s.last.failed,
		s.last.retry > now && s.last.retry <= now+maxRetry.Microseconds():
		return Unavailable
	}
	s.unknownKey = max(s.unknownKey, since)
	return Wait
}

// remember notes that the set does not have the kid. A flood of kids removes all
// of them; the next token with a removed kid waits for a fetch again.
func (s *source) remember(kid string, now int64) {
	if s.absent == nil || len(s.absent) >= maxAbsent {
		s.absent = map[string]int64{}
	}
	s.absent[shortKid(kid)] = now
}

func (s *source) remembers(kid string, now int64) bool {
	at, ok := s.absent[shortKid(kid)]
	return ok && now >= at && now < at+Interval.Microseconds()
}

// shortKid bounds the memory that a kid takes. Two kids with the same beginning
// count as one, so the second may be refused a few seconds too early.
func shortKid(kid string) string { return string([]byte(kid[:min(len(kid), 128)])) }
