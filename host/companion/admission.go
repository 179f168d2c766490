package companion

import "sync/atomic"

// admission bounds the requests in flight and the bytes that they hold, so that a
// flood is refused before memory grows. Health checks bypass it.
type admission struct {
	maxRequests, maxBytes int64
	requests, bytes       atomic.Int64 // in flight
}

func newAdmission(l Limits) *admission {
	return &admission{maxRequests: int64(l.InFlight), maxBytes: int64(l.InFlightBytes)}
}

// enter reports whether one more request may be served. If so, the caller calls leave
// at its end.
func (a *admission) enter() bool {
	if a.requests.Add(1) <= a.maxRequests {
		return true
	}
	a.leave()
	return false
}

func (a *admission) leave() { a.requests.Add(-1) }

// reserve reports whether n more bytes may be held. If so, the caller calls release
// when it holds them no more.
func (a *admission) reserve(n int64) bool {
	if a.bytes.Add(n) <= a.maxBytes {
		return true
	}
	a.release(n)
	return false
}

func (a *admission) release(n int64) { a.bytes.Add(-n) }
