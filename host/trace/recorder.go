package trace

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Limits bound the record. The zero Limits are the defaults.
type Limits struct {
	Value    int // bytes of a value; default 2 KiB
	Elements int // first elements of an array; default 5
	Clauses  int // clauses with their operands, of one evaluation; default 2,000
}

func (l Limits) orDefaults() Limits {
	set := func(n *int, def int) {
		if *n == 0 {
			*n = def
		}
	}
	set(&l.Value, 2<<10)
	set(&l.Elements, 5)
	set(&l.Clauses, 2000)
	return l
}

// Position is a place in a policy file.
type Position struct {
	File         string
	Line, Column int // from 1; 0: not known
}

// Options say which parts a Recorder keeps, and how.
type Options struct {
	Mask   *Mask // nil: NewMask
	Limits Limits
	// Locate finds a clause in the policy file. Nil: clauses have no line.
	Locate func(place string) Position
}

// Recorder is a rules.Tracer that records the last evaluation of each rule. It is
// for one request, and not safe for concurrent use.
type Recorder struct {
	o     Options
	mask  *Mask // with what it has learnt of the request
	all   []*recording
	now   *recording
	loops map[*rules.Rule]*node // the loops, by their clauses
}

// recording is an Evaluation that is being recorded.
type recording struct {
	Evaluation
	rule *rules.Rule
	open []*node // the clauses that were entered and not left yet
	left int     // clauses that may still be recorded with their operands
}

// NewRecorder returns a Recorder.
func NewRecorder(o Options) *Recorder {
	if o.Mask == nil {
		o.Mask = NewMask()
	}
	o.Limits = o.Limits.orDefaults()
	return &Recorder{o: o, mask: o.Mask.clone(), loops: map[*rules.Rule]*node{}}
}

// Evaluations returns the last evaluations of a rule: one, or one for each document
// of a create with op all.
func (r *Recorder) Evaluations(rule *rules.Rule) (out []*Evaluation) {
	for _, n := range r.loops {
		n.closeElement(r) // the last one of an action on the response
	}
	for _, rec := range r.all {
		if rec.rule == rule {
			out = append(out, &rec.Evaluation)
		}
	}
	return out
}

// Begin starts an evaluation, in place of an earlier one of the same rule.
func (r *Recorder) Begin(rule *rules.Rule, in *rules.Input) {
	r.mask.AddText(in.Token, "")
	r.mask.AddText(in.APIKey, "")
	for _, name := range slices.Concat(in.TokenPlaces.Headers, in.TokenPlaces.APIKeys) {
		r.mask.AddPath(rules.RootRequest, "headers", name)
	}
	for _, name := range in.TokenPlaces.Query {
		r.mask.AddPath(rules.RootRequest, "query", name)
	}
	r.mask.learn(in.Args)
	i := slices.IndexFunc(r.all, func(rec *recording) bool { return rec.rule == rule && rec.Document == in.Element })
	if i < 0 {
		r.makeRoom(rule, in.Element)
		i = len(r.all)
		r.all = append(r.all, &recording{rule: rule})
	}
	runs := r.all[i].Runs + 1
	*r.all[i] = recording{rule: rule, left: r.o.Limits.Clauses}
	r.now = r.all[i]
	r.now.Runs, r.now.Document = runs, in.Element
}

// makeRoom removes evaluations that another one of the rule, for a document, stands in
// place of: the one before there were documents, and beyond the first documents each
// that was allowed.
func (r *Recorder) makeRoom(rule *rules.Rule, document string) {
	documents := 0
	r.all = slices.DeleteFunc(r.all, func(rec *recording) bool {
		if rec.rule != rule || document == "" {
			return false
		}
		documents++
		return rec.Document == "" || documents > r.o.Limits.Elements && rec.Outcome == Yes
	})
}

// End completes an evaluation.
func (r *Recorder) End(rule *rules.Rule, v *rules.Verdict) {
	e := &r.now.Evaluation
	e.Outcome, e.Place, e.Name, e.Reason = outcomeOf(v.Outcome), v.Place, v.Name, r.mask.Text(v.Reason)
	e.Message, e.Status, e.Failed, e.Steps = v.Message, v.Status, v.Failed, v.Steps
	if e.Clause != nil {
		markDeciding(e.Clause, e)
		markUndone(e.Clause, false)
	}
}

// Enter opens a clause.
func (r *Recorder) Enter(rule *rules.Rule, at rules.Moment) {
	parent := r.top()
	if parent == nil {
		parent = r.loops[rule] // of an action on the response, which is carried out now
	}
	n := &node{rule: rule, parent: parent, clause: r.newClause(rule), full: r.now.left > 0 && (parent == nil || parent.full)}
	if n.full {
		r.now.left--
	} else {
		r.now.LeftOut++
	}
	switch {
	case parent == nil:
		r.now.Clause = n.clause
	case parent.rule.Loops():
		parent.inElement(r, rule, at)
		parent.element.Clauses = append(parent.element.Clauses, n.clause)
		n.item = parent.itemPath
	default:
		parent.clause.Clauses = append(parent.clause.Clauses, n.clause)
		n.item = parent.item
	}
	r.now.open = append(r.now.open, n)
	n.edits = len(at.Edits())
	if !rule.Guarded() {
		n.resolve(r, at)
	}
}

func (r *Recorder) top() *node {
	if r.now == nil || len(r.now.open) == 0 {
		return nil
	}
	return r.now.open[len(r.now.open)-1]
}

// Exit closes the clause that was entered last.
func (r *Recorder) Exit(rule *rules.Rule, at rules.Moment, v *rules.Verdict) {
	n := r.top()
	r.now.open = r.now.open[:len(r.now.open)-1]
	c := n.clause
	c.Outcome = outcomeOf(v.Outcome)
	if v.Outcome != rules.Yes {
		c.Reason = r.mask.Text(shorten(v.Reason, r.o.Limits.Value))
		if v.Place != c.Place {
			c.From = v.Place
		}
	}
	n.changes(r, at, v)
	n.complete(r)
	if p := n.parent; p != nil {
		if p.rule.Guarded() && v.Outcome == rules.Yes {
			p.resolve(r, at) // a guard may change args
		}
		if p.element != nil {
			p.element.Outcome = c.Outcome
		}
	}
}

// Asked records a call of the clause that was entered last.
func (r *Recorder) Asked(c *rules.Call, reply *rules.Reply) {
	if n := r.top(); n != nil && n.full {
		n.clause.Calls = append(n.clause.Calls, n.call(r, c, reply))
	}
}

func (r *Recorder) newClause(rule *rules.Rule) *Clause {
	c := &Clause{Place: rule.Place(), Kind: rule.Kind(), Name: rule.Name(), Outcome: NotReached}
	c.Type, c.Eval = rule.Comparison()
	if rule.UsesName() {
		c.Kind = "use"
	}
	if r.o.Locate != nil {
		p := r.o.Locate(c.Place)
		c.File, c.Line, c.Column = p.File, p.Line, p.Column
	}
	return c
}

func outcomeOf(o rules.Outcome) Outcome {
	return [...]Outcome{rules.Unknown: Unknown, rules.No: No, rules.Yes: Yes, rules.Waiting: Waiting}[o]
}

// notReached returns the clauses of a rule that an evaluation did not come to.
func (r *Recorder) notReached(all []*rules.Rule) (out []*Clause) {
	for _, rule := range all {
		c := r.newClause(rule)
		if in := r.notReached(rule.Clauses()); rule.Loops() {
			c.Elements = &Elements{Clauses: in}
		} else {
			c.Clauses = in
		}
		out = append(out, c)
	}
	return out
}

// valueAt returns the value that keys lead to.
func valueAt(v value.Value, path []string) value.Value {
	for _, k := range path {
		v = v.Key(k)
	}
	return v
}
