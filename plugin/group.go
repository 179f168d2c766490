package main

import (
	"slices"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/wire"
)

// group gathers the queries of several streams into one request to the companion, while
// other requests are under way. A request costs the host more than a decision.
//
// The first requests go out at once, so one client never waits. A group goes out when
// a reply comes, when it is full, and at a tick.
type group struct {
	plugin  *plugin
	members []*batch
	calls   wire.Group
	recent  [atOnce]*flight // the requests that were sent last
	paused  time.Time       // until then nothing is gathered
	unsent  []*trip         // the host has not taken them: the next tick tells their streams
	fast    bool            // ticks come each groupPeriod
	period  time.Duration   // of ticks otherwise; 0: there are none, and no groups
	ticked  time.Time       // when the plugin's work of a tick was last done
}

const (
	// atOnce is the number of young requests under way from which on queries are gathered.
	atOnce = 2
	// youngFor is how long a request is young. An older one waits for a slow query, which
	// must not hold others up.
	youngFor = 5 * time.Millisecond
	// groupPeriod is the time between ticks while a group is gathered. A group waits for no
	// longer.
	groupPeriod = 10 * time.Millisecond
	// maxGroupBytes bounds the calls of a group.
	maxGroupBytes = 64 << 10
	// maxGroupCalls is what a companion accepts by default.
	maxGroupCalls = 64
	// pause is for a companion that refuses groups, such as one of the version before.
	pause = time.Minute
)

// flight is a request to the companion.
type flight struct {
	sent      time.Time
	signature string
	landed    bool // the host has called back
}

// trip is the flight of a group. The calls of each member are a part of all calls, in
// the order of the members.
type trip struct {
	flight
	plugin  *plugin
	members []*batch
	calls   []wire.Asked
	failure string // why it was not sent
}

// takes reports whether the calls of a stream go with those of others. A webhook never
// does, because a POST may have consequences; nor does a query whose answer is kept,
// because its rows would keep the text of all others.
func (g *group) takes(s *stream, b *batch) bool {
	if g.period == 0 || b.again || s.shadow != shadowOff || len(b.calls) >= g.most() || b.asked.Before(g.paused) {
		return false
	}
	for i := range b.calls {
		if c := &b.calls[i]; c.Kind != rules.Query || c.Cache > 0 {
			return false
		}
	}
	return len(g.members) > 0 || g.busy(b.asked)
}

// most is the number of calls that the companion accepts in one request.
func (g *group) most() int { return min(maxGroupCalls, g.plugin.policy.Limits.Calls) }

// busy reports whether enough young requests are under way.
func (g *group) busy(now time.Time) bool {
	for _, f := range g.recent {
		if f == nil || f.landed || now.Sub(f.sent) >= youngFor {
			return false
		}
	}
	return true
}

func (g *group) note(f *flight) {
	copy(g.recent[1:], g.recent[:])
	g.recent[0] = f
}

// add adds the calls of a stream. Like dispatch it returns the replies, or nil if they
// come later.
func (g *group) add(s *stream, b *batch) []rules.Reply {
	if g.calls.Len()+len(b.calls) > g.most() {
		g.send(b.asked)
	}
	before := g.calls.Size()
	b.from = g.calls.Len()
	if err := g.calls.Add(b.calls, g.plugin.policy.Gateway, s.trace()); err != nil {
		return failedReplies(b.calls, "not encoded: "+err.Error())
	}
	g.members = append(g.members, b)
	if b.size = g.calls.Size() - before; !s.hold(s.held + b.size) {
		// The host gets these calls with the others, and nobody waits for the reply.
		b.size, s.awaits = 0, nil
		return failedReplies(b.calls, "not sent: "+decide.MemoryReason)
	}
	s.calling = b.size
	if g.calls.Len() >= g.most() || g.calls.Size() >= maxGroupBytes || !g.busy(b.asked) {
		g.send(b.asked)
	} else {
		g.hurry()
	}
	return nil
}

// hurry makes the ticks come soon, so that no group waits for long.
func (g *group) hurry() {
	if !g.fast && abi.SetTickPeriod(uint32(groupPeriod.Milliseconds())) == nil {
		g.fast = true
	}
}

// send sends what is gathered.
func (g *group) send(now time.Time) {
	if len(g.members) == 0 {
		return
	}
	t := &trip{plugin: g.plugin, members: g.members}
	g.members = nil
	body, calls, err := g.calls.Body(&g.plugin.vm.calls.nonces)
	t.calls = calls
	if err == nil {
		err = g.plugin.post(&t.flight, body, g.plugin.companion.timeout, nil, now, t)
	}
	if err != nil {
		t.failure = "not sent: " + err.Error()
		g.unsent = append(g.unsent, t)
		g.hurry()
	}
}

// flush sends what is gathered, if anything is.
func (g *group) flush() {
	if len(g.members) > 0 {
		g.send(abi.Now())
	}
}

// Called is called by the host, about the reply to a group.
func (t *trip) Called(size int) {
	p := t.plugin
	defer p.rescue()
	t.landed = true
	a := p.readAnswer(t.signature)
	p.group.flush()
	replies, later := t.read(&a)
	t.deliver(replies, later, len(a.body), a.failure)
	p.enter()
}

// read reads the replies of an answer. There are none if it failed, or is to be asked for
// again by each stream alone: what one of them asks, or gets, must not fail the others.
func (t *trip) read(a *answer) (replies []rules.Reply, later []bool) {
	p := t.plugin
	switch {
	case a.refused:
		p.group.paused = abi.Now().Add(pause)
		a.failure = ""
		return nil, nil
	case a.failure != "":
		return nil, nil
	}
	replies, later, err := wire.DecodeGroup(a.body, t.calls, p.policy.Limits.Depth+replyNesting)
	if err != nil {
		abi.Debugf("rulegate: calls of several requests: %v; each is made again", err)
	}
	return replies, later
}

// deliver gives each stream the replies to its own calls. Without replies, each stream
// asks again alone, or all calls have failed.
func (t *trip) deliver(replies []rules.Reply, later []bool, size int, failure string) {
	at := 0
	for _, b := range t.members {
		from := at
		at += len(b.calls)
		var mine []rules.Reply
		if replies != nil && !slices.Contains(later[from:at], true) {
			mine = replies[from:at:at]
		}
		why := failure
		if b.from != from { // else a reply is another's
			mine, why = nil, "the reply to other calls"
		}
		if b.of.id == b.id && b.of.awaits == b {
			b.of.grouped(b, mine, size, why)
		}
	}
}

// grouped brings a stream the replies to its calls in a group. If there are none, the
// calls are made again.
func (s *stream) grouped(b *batch, replies []rules.Reply, size int, failure string) {
	var action types.Action
	defer s.guard(&action)
	if !s.enter() || !s.state.awaitsReplies() {
		return
	}
	if replies == nil && failure == "" {
		s.hold(s.held - b.size)
		s.calling, b.size, b.again = 0, 0, true
		if replies = b.alone(abi.Now()); replies == nil {
			return // they come later
		}
		size = 0
	} else if replies == nil {
		replies, size = failedReplies(b.calls, failure), 0
	}
	s.take(b, replies, size)
}

// tick sends what is gathered. It reports whether the plugin's own tick is due.
func (g *group) tick(now time.Time) bool {
	unsent := g.unsent
	g.unsent = nil
	for _, t := range unsent {
		t.deliver(nil, nil, 0, t.failure)
	}
	g.send(now)
	if g.fast && now.Sub(g.ticked) < g.period-groupPeriod && !now.Before(g.ticked) {
		return false
	}
	g.ticked = now
	if g.fast && len(g.unsent) == 0 && abi.SetTickPeriod(uint32(g.period.Milliseconds())) == nil {
		g.fast = false
	}
	return true
}
