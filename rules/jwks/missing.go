package jwks

import "time"

// Answer says what becomes of a token whose key is not there.
type Answer uint8

const (
	Failed Answer = iota // the issuer cannot be asked: 503
	Absent               // the issuer was asked, and has no such key: 401
	Wait                 // it is being asked: Changes grows when there is news
)

// Missing judges a token whose key one of the sources may have (token.Error),
// of a request that came at the time since. A source counts as asked once a
// fetch that began after that has ended.
func (k *Keyring) Missing(sources []int, kid string, since, now time.Time) Answer {
	wait, failed := false, false
	for _, i := range sources {
		if i < 0 || i >= len(k.sources) {
			continue
		}
		switch k.sources[i].missing(kid, since.UnixMicro(), now.UnixMicro()) {
		case Wait:
			wait = true
		case Failed:
			failed = true
		}
	}
	switch {
	case wait && now.Sub(since) < MaxWait:
		return Wait
	case wait || failed:
		return Failed
	}
	return Absent
}

func (s *source) missing(kid string, since, now int64) Answer {
	switch {
	case s.text != "" && s.last.good > since && s.last.good <= now:
		s.remember(kid, now)
		return Absent
	case s.text != "" && s.remembers(kid, now):
		return Absent
	case s.last.ended > since && s.last.ended <= now && s.last.failed,
		s.last.retry > now && s.last.retry <= now+maxRetry.Microseconds():
		return Failed
	}
	s.wanted = max(s.wanted, since)
	return Wait
}

// remember notes that the set has not got the kid. A flood of kids pushes all of
// them out, which costs those that are asked for again a wait.
func (s *source) remember(kid string, now int64) {
	if s.absent == nil || len(s.absent) >= maxAbsent {
		s.absent = map[string]int64{}
	}
	s.absent[cut(kid)] = now
}

func (s *source) remembers(kid string, now int64) bool {
	at, ok := s.absent[cut(kid)]
	return ok && now >= at && now < at+Interval.Microseconds()
}

// cut bounds what is kept of a kid. Two that begin alike are taken for one, which
// refuses the second a few seconds too early.
func cut(kid string) string { return string([]byte(kid[:min(len(kid), 128)])) }
