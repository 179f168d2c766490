package rules

import (
	"errors"

	"github.com/rulegate/rulegate/rules/value"
)

// DefaultSteps is the number of steps that one evaluation may take by default. A step
// takes some 40 ns in Envoy, so that one request holds a worker for about 30 ms; and
// one comparison of each of 100,000 elements is not too much.
const DefaultSteps = 750_000

// Every evaluation counts its steps, because the thread that evaluates a rule serves
// no other request meanwhile: a rule that looks for each row of a response in a list
// of a token multiplies their lengths. These are the bytes for which a step is
// counted; BenchmarkSteps shows that the kinds of work take about the same time for
// each step.
const (
	bytesWalked  = 4   // of a JSON text that is taken apart
	bytesSkipped = 16  // of an element that is stepped over
	bytesMatched = 8   // of a text that a pattern reads
	bytesWritten = 32  // of a JSON text that is written
	bytesCopied  = 128 // of a text that is compared, searched or copied
)

// Steps of work that does not depend on a length.
const (
	stepsElement = 3  // an element of a list is visited
	stepsDate    = 8  // a date is read or written
	stepsAddress = 12 // an IP address is read
	stepsAbsent  = 4  // a path leads to no value
	stepsPath    = 25 // a path that is found in args is read
	stepsSet     = 8  // a value is looked up in a set
	stepsEdit    = 40 // an object is changed
	stepsFailed  = 12 // a clause of an or without a yes: its reason is kept
)

// workOfStep is the number of a pattern's instructions that are visited for a step.
const workOfStep = 2

// TooManySteps is the reason of an evaluation that was ended.
const TooManySteps = "more steps than limits.steps"

var errSteps = errors.New(TooManySteps)

// spend counts steps. It reports whether the evaluation may go on. If not, the
// verdict is unknown, whatever the clauses make of it.
func (r *run) spend(steps int) bool {
	r.steps += steps
	return !r.exhausted()
}

func (r *run) exhausted() bool { return r.steps > r.most }

// walk counts that a value is taken apart.
func (r *run) walk(v value.Value) bool { return r.spend(1 + v.Size()/bytesWalked) }

// skip counts that an element of a list is stepped over.
func (r *run) skip(v value.Value) bool { return r.spend(1 + v.Size()/bytesSkipped) }

// written counts that a JSON text is written.
func (r *run) written(v value.Value) bool { return r.spend(1 + v.Size()/bytesWritten) }
