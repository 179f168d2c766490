package compare

import (
	"math/rand/v2"
	"slices"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// explorer goes through the requests that stand for all requests of a meeting.
//
// A request is a choice for each component. At first every component has its first
// choice, which is nothing. Both policies decide the request, and say which
// components their clauses have read. The others cannot have changed the decision,
// so only those that were read get their other choices, the last one first: each
// request after that reaches another place of the rules.
type explorer struct {
	engine   *engine
	policies [2]*policy.Policy
	meeting  *meeting
	space    *space
	only     route.Template // the paths that are tried; nil: all of the meeting
	shown    []*place       // of the response, that vary where the first policy allows the request

	where      *place // stands for the target
	components []*component
	bySlot     map[*place]*component
	token      *component // which token comes; nil: neither side reads one
	shape      *component // whether there is a body, and whether it is an object, if args.params has no member
	replies    map[string]*component

	stack []*component // those that the last request has read, in that order
	index map[*component]int
	read  map[*component]bool // by the request that is being decided
	order []*component        // those, in order

	unrealised int
	calls      bool // some request made a call
}

// chosen is the choice of a component for the request at hand.
func (x *explorer) chosen(c *component) combination {
	list := x.choices(c)
	return list[min(x.index[c], len(list)-1)]
}

// choices are those of a component for the request at hand.
func (x *explorer) choices(c *component) []combination {
	if c.bare == nil || x.hasToken() {
		return c.choices
	}
	return c.bare
}

// reads records that the request at hand depends on a component.
func (x *explorer) reads(c *component) {
	if c == nil || x.read[c] || len(x.choices(c)) < 2 || c.member && x.isArray() {
		return
	}
	x.read[c] = true
	x.order = append(x.order, c)
}

// hasToken reports whether the request at hand has a valid token.
func (x *explorer) hasToken() bool {
	return x.token != nil && x.token.choices[x.index[x.token]].token.valid
}

// isArray reports whether args.params of the request at hand is an array without
// members.
func (x *explorer) isArray() bool {
	return x.shape != nil && x.chosen(x.shape).shape.Kind() == value.Array
}

// explore decides requests until all are done, or most of them were. It reports
// how many there were, and whether these are all.
func (x *explorer) explore(most int, found func(*trial)) (n int, whole bool) {
	x.index = map[*component]int{}
	for n < most {
		x.try(found)
		n++
		for _, c := range x.order {
			if !slices.Contains(x.stack, c) {
				x.stack = append(x.stack, c)
			}
		}
		for {
			if len(x.stack) == 0 {
				return n, true
			}
			last := x.stack[len(x.stack)-1]
			if x.index[last]+1 < len(x.choices(last)) {
				x.index[last]++
				break
			}
			delete(x.index, last)
			x.stack = x.stack[:len(x.stack)-1]
		}
	}
	return n, false
}

// try decides the request at hand.
func (x *explorer) try(found func(*trial)) {
	x.read, x.order = map[*component]bool{}, x.order[:0]
	if t, ok := x.decide(); ok {
		found(t)
	} else {
		x.unrealised++
	}
}

// sample decides requests that are chosen at random: one half by itself, the other
// half a small step from a request that came by clauses in a way that was new.
func (x *explorer) sample(most int, random *rand.Rand, found func(*trial)) (n int) {
	type seen struct{ index map[*component]int }
	var corpus []seen
	known := map[string]bool{}
	for n < most {
		x.index = map[*component]int{}
		if len(corpus) > 0 && random.IntN(4) > 0 {
			for c, i := range corpus[random.IntN(len(corpus))].index {
				x.index[c] = i
			}
		}
		changes := 1 + random.IntN(2)
		// The choices of components that only this request reads are made as they
		// are read.
		fixed := map[*component]bool{}
		var way string
		for round := 0; round < 2+len(x.components) && n < most; round++ {
			way = ""
			x.try(func(t *trial) {
				way = t.way
				found(t)
			})
			n++
			var open []*component
			for _, c := range x.order {
				if _, has := x.index[c]; !has {
					open = append(open, c)
				} else if !fixed[c] && changes > 0 && random.IntN(len(x.order)) == 0 {
					open = append(open, c)
					changes--
				}
				fixed[c] = true
			}
			if len(open) == 0 {
				break
			}
			for _, c := range open {
				x.index[c] = random.IntN(len(x.choices(c)))
			}
		}
		if way != "" && !known[way] && len(corpus) < 4096 {
			known[way] = true
			kept := map[*component]int{}
			for _, c := range x.order {
				kept[c] = x.index[c]
			}
			corpus = append(corpus, seen{kept})
		}
	}
	return n
}

// tracer tells an explorer which clauses one side has come by.
type tracer struct {
	explorer *explorer
	side     *side
	way      []byte // the outcomes of the clauses
	args     value.Value
	misread  bool // the rules saw other values than those that were chosen
}

func (t *tracer) Begin(_ *rules.Rule, in *rules.Input) { t.way, t.args = t.way[:0], in.Args }

func (t *tracer) End(r *rules.Rule, _ *rules.Verdict) {
	t.misread = t.misread || !t.explorer.asMeant(t.side, r, t.args)
}

func (t *tracer) Enter(r *rules.Rule, _ rules.Moment) {
	u := t.side.units[r]
	if u == nil {
		return
	}
	for _, p := range u.reads {
		t.explorer.reads(t.explorer.componentOf(p))
	}
	if u.shaped {
		t.explorer.reads(t.explorer.shape)
	}
}

func (t *tracer) Exit(_ *rules.Rule, _ rules.Moment, v *rules.Verdict) {
	t.way = append(t.way, byte(v.Outcome))
}

func (*tracer) Asked(*rules.Call, *rules.Reply) {}
