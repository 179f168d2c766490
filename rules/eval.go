package rules

import (
	"io"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// Outcome is the result of a rule. The zero value denies.
type Outcome uint8

const (
	Unknown Outcome = iota // an operand is missing or of another type, or a call failed; denies as No does
	No
	Yes
	Waiting // a reply, or a root that is Pending, is needed first
)

func (o Outcome) String() string {
	return [...]string{"unknown", "no", "yes", "waiting"}[o]
}

// Input is the request that a rule is evaluated against. Eval does not change it.
type Input struct {
	Args     value.Value // the args object; PendingValue stands for a root that is not there yet
	Verified bool        // the token or the API key was verified
	Token    string      // the user's token as it came, "" without one
	APIKey   string      // the API key as it came, "" without one
	Now      time.Time   // the time of the request, in every evaluation of it
	MaxCalls int         // more calls than this make Verdict.TooMany; 0: DefaultCalls
	MaxSteps int         // more steps than this make Verdict.Exhausted; 0: DefaultSteps
	Element  string      // distinguishes the evaluations of one rule for one request, see Call.ID
	// TokenPlaces are the places of a request that may hold a token or an API key.
	TokenPlaces TokenPlaces
	Rand        io.Reader // source of nonces; nil: crypto/rand
	Tracer      Tracer    // nil: nobody is told how the evaluation goes
	// Memory is for one evaluation at a time; nil: each takes new memory. Nothing of an
	// evaluation stays in it.
	Memory *Memory
}

// Memory is memory for evaluations.
type Memory struct{ run run }

// DefaultCalls is the number of calls that one evaluation may make by default.
const DefaultCalls = 32

// Verdict is the result of Eval. Message, Place, Reason, Failed, TooMany and
// Exhausted are set for a denial.
type Verdict struct {
	Outcome  Outcome
	Calls    []Call      // Waiting: the calls that can be made now; none: a Pending root is awaited
	Args     value.Value // args afterwards
	Response []Edit      // Yes: the edits of the response, in order
	Message  string      // for the client; "" if no rule on the denying path has an `error`
	Status   int         // for the client of a no; 0 if no rule on the denying path has a `status`
	Place    string      // the place of the clause that decided
	Name     string      // the name of that clause, or of the nearest rule around it that has one
	Reason   string      // for the log; it never holds a claim, or another value of the request
	Failed   bool        // a failed call is among the causes
	TooMany  bool        // the rule needs more calls than MaxCalls
	// Exhausted: the rule needs more steps than MaxSteps.
	Exhausted bool
	Steps     int // that the evaluation took
}

// result is the outcome of one clause. It is returned through all the clauses
// around it, so it is small: it points at clauses instead of copying their texts.
type result struct {
	outcome Outcome
	failed  bool
	status  int16
	at      *Rule // the clause that decided; nil: no clause has set itself yet
	named   *Rule // that clause, or the nearest rule around it that has a name
	reason  string
	message string
}

// place is the place of the clause that decided.
func (res *result) place() string {
	if res.at == nil {
		return ""
	}
	return res.at.place
}

// name is the name of that clause, or of the nearest rule around it that has one.
func (res *result) name() string {
	if res.named == nil {
		return ""
	}
	return res.named.name
}

// where is the place of the clause that decided, with its name.
func (res *result) where() string { return Where(res.place(), res.name()) }

var (
	yes     = result{outcome: Yes}
	waiting = result{outcome: Waiting}
)

func unknown(reason string) result { return result{outcome: Unknown, reason: reason} }

// run is one evaluation of a rule, from its root. Each new reply starts another.
type run struct {
	in         *Input
	replies    Replies
	args       value.Value  // as changed so far; assigning an earlier value undoes the changes after it
	item       *value.Value // the element, in the clauses of filter, some, every and each
	inResponse bool         // the evaluation is of an edit of the response
	response   []Edit

	call     Call   // that is asked now; not on the stack, because Replies gets its address
	calls    []Call // without a reply yet
	made     int    // calls that this run reached, answered or not
	ahead    bool   // the clause is behind one that waits: collect queries, never webhooks
	tooMany  bool
	elements int          // visited by filter, some, every and each
	steps    int          // see spend
	most     int          // steps that it may take
	memory   []remembered // by once.slot
	inners   []*run       // for the clauses of the edits of a response
}

func (r *run) start(in *Input, replies Replies) {
	*r = run{in: in, replies: replies, args: in.Args, most: in.MaxSteps}
	if r.most <= 0 {
		r.most = DefaultSteps
	}
}

// Eval evaluates the rule. It is pure: the same input and replies give the same
// verdict, but for the nonces of aes-gcm. While the outcome is Waiting, the caller
// makes the calls, adds their replies and evaluates the rule again. An answered
// call is not made twice, because its reply is found by Call.ID.
func (r *Rule) Eval(in *Input, replies Replies) Verdict {
	if in.Tracer == nil {
		return r.eval(in, replies)
	}
	in.Tracer.Begin(r, in)
	v := r.eval(in, replies)
	in.Tracer.End(r, &v)
	return v
}

func (r *Rule) eval(in *Input, replies Replies) Verdict {
	m := in.Memory
	if m == nil {
		m = new(Memory)
	}
	m.run.start(in, replies)
	res := r.run(&m.run)
	v := m.run.verdict(&res)
	m.run = run{}
	return v
}

// verdict makes the verdict of the result of the root.
func (r *run) verdict(res *result) Verdict {
	v := Verdict{Outcome: res.outcome, Args: r.args, Steps: r.steps}
	switch {
	case r.exhausted():
		// Whatever came out: a clause may have taken an end of the search for
		// a missing value.
		v.Outcome, v.Exhausted, v.Place, v.Name, v.Reason = Unknown, true, res.place(), res.name(), TooManySteps
		return v
	case r.tooMany:
		v.Outcome, v.TooMany = Unknown, true
	case res.outcome == Waiting:
		v.Calls = r.calls
		return v
	case res.outcome == Yes:
		v.Response = r.response
		return v
	}
	v.Message, v.Place, v.Name, v.Reason, v.Failed = res.message, res.place(), res.name(), res.reason, res.failed
	if v.Outcome == No {
		v.Status = int(res.status)
	}
	return v
}

// Where returns the place of the clause that decided, with its name.
func (v *Verdict) Where() string { return Where(v.Place, v.Name) }

// Where writes the place of a clause with its name, if it has one.
func Where(place, name string) string {
	if name == "" {
		return place
	}
	return place + " (" + name + ")"
}

// run evaluates the clause.
func (r *Rule) run(run *run) result {
	if run.traced() {
		run.enter(r)
	}
	res := unknown(TooManySteps)
	if run.spend(1) {
		res = r.clause.run(run)
	}
	if res.outcome == No || res.outcome == Unknown {
		r.deny(&res)
	}
	if run.traced() {
		run.exit(r, res)
	}
	return res
}

// deny adds the rule to a denial: its place, unless an inner clause has set its
// own, and its name, message and status.
func (r *Rule) deny(res *result) {
	if res.at == nil {
		res.at = r
	}
	if res.named == nil && r.name != "" {
		res.named = r
	}
	if r.status != 0 && res.outcome == No {
		res.status = r.status
	}
	if r.message != "" {
		res.message = r.message // the outermost message wins, as it is assigned last
	}
}
