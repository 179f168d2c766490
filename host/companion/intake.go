package companion

import "sync/atomic"

// intake bounds what all requests hold together, so that a flood is turned away
// before memory grows. Health checks do not pass through it.
type intake struct {
	requests, bytes int64 // at most
	running, held   atomic.Int64
}

func newIntake(l Limits) *intake {
	return &intake{requests: int64(l.InFlight), bytes: int64(l.InFlightBytes)}
}

// enter says whether one more request may be served; leave follows then.
func (in *intake) enter() bool {
	if in.running.Add(1) <= in.requests {
		return true
	}
	in.leave()
	return false
}

func (in *intake) leave() { in.running.Add(-1) }

// take says whether n more bytes may be held; give follows then.
func (in *intake) take(n int64) bool {
	if in.held.Add(n) <= in.bytes {
		return true
	}
	in.give(n)
	return false
}

func (in *intake) give(n int64) { in.held.Add(-n) }
