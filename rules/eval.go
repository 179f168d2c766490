package rules

import (
	"io"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// Outcome is what a rule says. The zero value denies.
type Outcome uint8

const (
	Unknown Outcome = iota // an operand is missing or of another type, or a call failed: denied
	No
	Yes
	Waiting // for replies, or for what is still Pending
)

func (o Outcome) String() string {
	return [...]string{"unknown", "no", "yes", "waiting"}[o]
}

// Input is what a rule is evaluated against. It is not changed.
type Input struct {
	Args     value.Value // the args object; a root that is not there yet is PendingValue
	Verified bool        // the token was verified
	Token    string      // the user's token as it came, "" when there is none
	Now      time.Time   // the time of the request, the same all through
	MaxCalls int         // more calls than this make Verdict.TooMany; 0: DefaultCalls
	Element  string      // tells evaluations of one rule for one request apart, see Call.ID
	Rand     io.Reader   // nonces; nil: crypto/rand
}

// DefaultCalls is how many calls one evaluation may make unless told otherwise.
const DefaultCalls = 32

// Verdict is the answer of Eval.
type Verdict struct {
	Outcome  Outcome
	Calls    []Call      // Waiting: those that can be made now; none: a Pending root is awaited
	Args     value.Value // args afterwards
	Response []Edit      // Yes: what is to be done to the response, in order
	Message  string      // denied: what the client is told, "" when no rule on the denying path has an `error`
	Place    string      // denied: of the clause that decided
	Reason   string      // denied: why, for the log; never a claim, nor another value of the request
	Failed   bool        // denied: a failed call is among the causes
	TooMany  bool        // denied: more calls than MaxCalls
}

// result is what one clause says.
type result struct {
	outcome Outcome
	place   string
	reason  string
	message string
	failed  bool
}

var (
	yes     = result{outcome: Yes}
	waiting = result{outcome: Waiting}
)

func unknown(reason string) result { return result{outcome: Unknown, reason: reason} }

// run is one evaluation: a walk from the root that starts anew for each reply.
type run struct {
	in       *Input
	replies  Replies
	args     value.Value  // as changed so far; going back is to assign an earlier one
	item     *value.Value // the element, inside a filter
	response []Edit

	calls    []Call // made, and not answered yet
	made     int    // calls that the walk came by, answered or not
	ahead    bool   // looking behind a clause that waits: only queries go out
	tooMany  bool
	elements int32 // that filters have looked at
}

// Eval decides. It is pure: the same input and replies give the same verdict,
// but for the nonces of aes-gcm. While calls are Waiting, the caller makes them,
// adds their replies and evaluates again, from the start; a reply is found by
// its call, so an answered call is not made twice.
func (r *Rule) Eval(in *Input, replies Replies) Verdict {
	run := &run{in: in, replies: replies, args: in.Args}
	res := r.run(run)
	v := Verdict{Outcome: res.outcome, Args: run.args}
	switch {
	case run.tooMany:
		v.Outcome, v.TooMany = Unknown, true
	case res.outcome == Waiting:
		v.Calls = run.calls
		return v
	case res.outcome == Yes:
		v.Response = run.response
		return v
	}
	v.Message, v.Place, v.Reason, v.Failed = res.message, res.place, res.reason, res.failed
	return v
}

// run evaluates the clause and says whose denial it is.
func (r *Rule) run(run *run) result {
	res := r.clause.run(run)
	if res.outcome == No || res.outcome == Unknown {
		if res.place == "" {
			res.place = r.place
		}
		if r.message != "" {
			res.message = r.message // the outermost wins: it is assigned last
		}
	}
	return res
}
