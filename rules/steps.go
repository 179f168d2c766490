package rules

import "github.com/rulegate/rulegate/rules/value"

// DefaultSteps is the number of steps that one evaluation may take by default.
const DefaultSteps = 3_000_000

// Sizes of a step. Every evaluation counts its steps, because the thread that
// evaluates a rule serves no other request meanwhile: a rule that looks for each
// row of a response in a list of a token multiplies their lengths.
const (
	bytesRead    = 64 // of a text that is searched
	bytesChanged = 16 // of a value that is taken apart or built
)

// TooManySteps is the reason of an evaluation that was ended.
const TooManySteps = "more steps than limits.steps"

// spend counts steps. It reports whether the evaluation may go on. If not, the
// verdict is unknown, whatever the clauses make of it.
func (r *run) spend(steps int) bool {
	r.steps += steps
	return !r.exhausted()
}

// read counts the search of a value.
func (r *run) read(v value.Value) bool { return r.spend(1 + v.Size()/bytesRead) }

// change counts a change of a value, or a new value that is made from it.
func (r *run) change(v value.Value) bool { return r.spend(1 + v.Size()/bytesChanged) }

func (r *run) exhausted() bool { return r.steps > r.most }
