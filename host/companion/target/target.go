// Package target holds the parts that all targets of calls share, databases and
// webhook hosts alike: a Pool that bounds the calls to one target, a breaker that
// stops trying a target which fails, and a Coalescer that runs equal calls once.
//
//	Coalescer.Do → Pool.Do → breaker → the call
package target

import "time"

// Answer is the result of a call: rows, or a status and body.
type Answer struct {
	Rows   []byte // a JSON array of objects, from a database
	Status int    // from a webhook
	Body   string
	Begun  time.Time // when the call began; the answer's age counts from here
}

// Size is the number of bytes that the answer holds.
func (a Answer) Size() int { return len(a.Rows) + len(a.Body) }
