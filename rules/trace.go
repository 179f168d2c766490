package rules

import "github.com/rulegate/rulegate/rules/value"

// Tracer is told how evaluations go, for those who explain them. It is an
// interface so that the module, which explains nothing, links no recorder.
//
// Begin and End enclose an evaluation from its root. A new reply starts another
// one, which stands in place of the earlier. Enter and Exit enclose each clause;
// clauses that are looked at ahead of their turn are not told. The clauses of
// response actions are told when the actions are applied, after End.
type Tracer interface {
	Begin(r *Rule, in *Input)
	Enter(r *Rule, at Moment)
	Exit(r *Rule, at Moment, v *Verdict)
	// Asked tells of a call of the clause that was entered last. A nil reply has
	// not come yet.
	Asked(c *Call, reply *Reply)
	End(r *Rule, v *Verdict)
}

// Moment is the state of an evaluation while a Tracer is told of it. It must not
// be kept.
type Moment struct{ run *run }

// Args returns args as they are now.
func (m Moment) Args() value.Value { return m.run.args }

// Item returns the element of the filter, some, every or each around the clause,
// Missing outside of these.
func (m Moment) Item() value.Value {
	if m.run.item == nil {
		return value.Value{}
	}
	return *m.run.item
}

// Edits returns the edits of the response so far.
func (m Moment) Edits() []Edit { return m.run.response }

// traced reports whether the run is told of. A clause that is looked at ahead of
// its turn is not.
func (r *run) traced() bool { return r.in.Tracer != nil && !r.ahead }

func (r *run) enter(rule *Rule) { r.in.Tracer.Enter(rule, Moment{r}) }

func (r *run) exit(rule *Rule, res result) {
	r.in.Tracer.Exit(rule, Moment{r}, &Verdict{
		Outcome: res.outcome, Message: res.message, Status: int(res.status),
		Place: res.place(), Name: res.name(), Reason: res.reason, Failed: res.failed,
	})
}

func (r *run) asked(c *Call, reply Reply, ok bool) {
	if !ok {
		r.in.Tracer.Asked(c, nil)
		return
	}
	r.in.Tracer.Asked(c, &reply)
}
