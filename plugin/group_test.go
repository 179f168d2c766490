//go:build !wasip1

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/wire"
)

// Each stream gets the replies to its own calls, and to nobody else's.
func TestAGroup(t *testing.T) {
	b := startBusy(t)
	ids, c := b.group("/one/ann", "/one/nobody", "/two/bob", "/one/cid")
	body := c.Body
	for i, user := range []string{"ann", "nobody", "bob", "bob", "cid"} {
		if !strings.Contains(body, fmt.Sprintf(`{"id":"%d","kind":"query","db":"d",`, i)) || strings.Count(body, `"find":{"id":"`+user+`"}`) == 0 {
			t.Errorf("call %d of %s is not in %s", i, user, body)
		}
	}
	if !strings.Contains(body, `"trace":{"x-request-id":"of /one/ann"}`) || header(c, "x-request-id") != "" {
		t.Errorf("the trace of each call is its own request's: %s, %q", body, c.Headers)
	}
	b.answer(c, nil)
	for i, status := range []uint32{200, 403, 200, 200} {
		b.want(fmt.Sprint("request ", i), ids[i], status)
	}
	if len(b.sent()) != 0 || len(b.p.deadlines.streams) != 1 {
		t.Errorf("something is left: %d deadlines", len(b.p.deadlines.streams))
	}
}

// A reply that names its call wrongly costs each stream another request, and brings nobody
// the reply to another's call.
func TestRepliesThatAreNotInOrder(t *testing.T) {
	for name, change := range map[string]func([]string) []string{
		"swapped":        func(r []string) []string { r[0], r[1] = r[1], r[0]; return r },
		"missing":        func(r []string) []string { return r[:2] },
		"missing, first": func(r []string) []string { return r[1:] },
		"one more":       func(r []string) []string { return append(r, strings.Replace(r[0], `"0"`, `"3"`, 1)) },
		"twice":          func(r []string) []string { return []string{r[0], r[0], r[1], r[2]} },
		"one for two":    func(r []string) []string { return []string{r[0], r[0], r[2]} },
		"another id":     func(r []string) []string { r[1] = strings.Replace(r[1], `"1"`, `"01"`, 1); return r },
		"no id":          func(r []string) []string { r[1] = strings.Replace(r[1], `"id":"1",`, "", 1); return r },
		"none":           func([]string) []string { return nil },
		"no JSON":        func([]string) []string { return []string{"x"} },
		"too deep":       func(r []string) []string { r[2] = strings.Repeat("[", 100) + strings.Repeat("]", 100); return r },
		"later": func(r []string) []string {
			return []string{`{"id":"0","later":true}`, `{"id":"1","later":true}`, `{"id":"2","later":true}`}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBusy(t)
			ids, c := b.group("/one/nobody", "/one/ann", "/one/nouser")
			b.answer(c, change)
			again := b.sent()
			if len(again) != 3 {
				t.Fatalf("%d requests, want one for each stream", len(again))
			}
			slices.Reverse(again) // in any order
			for _, c := range again {
				if strings.Contains(c.Body, `"group"`) {
					t.Error("again in a group")
				}
				b.answer(c, nil)
			}
			for i, status := range []uint32{403, 200, 403} {
				b.want(fmt.Sprint("request ", i), ids[i], status)
			}
		})
	}
}

// Only the streams whose calls come later ask again.
func TestLater(t *testing.T) {
	b := startBusy(t)
	ids, c := b.group("/one/ann", "/two/bob", "/one/nobody")
	b.answer(c, func(r []string) []string { r[2] = `{"id":"2","later":true}`; return r })
	b.want("answered", ids[0], 200)
	b.want("answered", ids[2], 403)
	b.want("one of two comes later", ids[1], 0)
	// A second "later" is a failure.
	alone := b.one()
	b.answer(alone, func(r []string) []string {
		return []string{strings.Split(r[0], `,"rows"`)[0] + `,"later":true}`, r[1]}
	})
	b.want("later again", ids[1], 503)
}

// An answer that is not the companion's, or its failure, denies all.
func TestAGroupThatFails(t *testing.T) {
	for name, answer := range map[string]func(b *bench, c *abi.Sent){
		"no seal":      func(b *bench, c *abi.Sent) { b.reply(c, "200", `{"replies":[]}`, false) },
		"another seal": func(b *bench, c *abi.Sent) { b.reply(c, "200", `{"replies":[]}`, false) },
		"503":          func(b *bench, c *abi.Sent) { b.reply(c, "503", "", false) },
		"504":          func(b *bench, c *abi.Sent) { b.reply(c, "504", "", false) },
		"401":          func(b *bench, c *abi.Sent) { b.reply(c, "401", "", false) },
		"404":          func(b *bench, c *abi.Sent) { b.reply(c, "404", "", false) },
		"sealed, 500":  func(b *bench, c *abi.Sent) { b.reply(c, "500", `{"replies":[]}`, true) },
		"of the filler": func(b *bench, c *abi.Sent) {
			body := `{"replies":[{"id":"0","rows":[{}]},{"id":"1","rows":[{}]}]}`
			seal := b.p.companion.keys.Seal(header(b.filler[1], "authorization"), []byte(body))
			c.Reply([][2]string{{":status", "200"}, {wire.SealHeader, seal}}, body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBusy(t)
			ids, c := b.group("/one/ann", "/one/bob")
			answer(b, c)
			for _, id := range ids {
				b.want(name, id, 503)
			}
			if len(b.sent()) != 0 {
				t.Error("it is asked again")
			}
		})
	}
}

// A companion that refuses a group, such as one of the version before, gets each stream's
// calls alone, and no group for a while.
func TestACompanionThatRefusesGroups(t *testing.T) {
	for _, status := range []string{"400", "413"} {
		t.Run(status, func(t *testing.T) {
			b := startBusy(t)
			ids, c := b.group("/one/ann", "/one/nobody")
			b.reply(c, status, `{"error":"malformed calls"}`, false)
			again := b.sent()
			if len(again) != 2 {
				t.Fatalf("%s: %d requests, want 2", status, len(again))
			}
			b.answer(again[0], nil)
			b.reply(again[1], status, "", false) // not a third time
			b.want("answered alone", ids[0], 200)
			b.want("refused alone", ids[1], 503)
			if len(b.sent()) != 0 {
				t.Error("a third request")
			}
			b.young()
			b.get("/one/cid")
			if c := b.one(); strings.Contains(c.Body, `"group"`) {
				t.Error("a group, right after one was refused")
			}
			b.p.group.paused = time.Now()
			b.young()
			b.get("/one/cid")
			if len(b.sent()) != 0 {
				t.Error("no group after the pause")
			}
		})
	}
}

// What may have consequences, what is kept, and what is in shadow goes alone.
func TestWhatGoesAlone(t *testing.T) {
	for _, path := range []string{"/hook/ann", "/kept/ann", "/shadow/ann"} {
		t.Run(path, func(t *testing.T) {
			b := startBusy(t)
			b.get(path)
			if c := b.one(); strings.Contains(c.Body, `"group"`) {
				t.Error("in a group")
			}
		})
	}
	b := startBusy(t)
	b.p.group.recent[0].sent = time.Now().Add(-youngFor) // a slow query holds nobody up
	b.get("/one/ann")
	if c := b.one(); strings.Contains(c.Body, `"group"`) {
		t.Error("gathered though no two young requests are under way")
	}
}

// A group goes out when it is full, and never has more calls than limits.calls.
func TestAFullGroup(t *testing.T) {
	b := startBusy(t)
	for i := range 5 {
		b.get(fmt.Sprint("/one/u", i))
	}
	b.get("/two/last") // has no room with five others
	c := b.one()
	if n := strings.Count(c.Body, `"kind"`); n != 5 {
		t.Errorf("%d calls, want 5", n)
	}
	b.young()
	for i := range 4 {
		b.get(fmt.Sprint("/one/v", i))
	}
	if n := strings.Count(b.one().Body, `"kind"`); n != 6 {
		t.Errorf("%d calls, want 6", n)
	}
}

// Nobody waits for longer than a tick, and the ticks come seldom again when nothing waits.
func TestTicksSendAGroup(t *testing.T) {
	b := startBusy(t)
	id := b.get("/one/ann")
	if n := b.host.GetTickPeriod(); n != uint32(groupPeriod.Milliseconds()) {
		t.Errorf("ticks every %d ms while a group is gathered", n)
	}
	ticked := b.p.group.ticked
	b.p.group.ticked = time.Now()
	b.host.Tick()
	b.answer(b.one(), nil)
	b.want("after a tick", id, 200)
	if n := b.host.GetTickPeriod(); n != uint32(groupPeriod.Milliseconds()) {
		t.Errorf("ticks every %d ms", n)
	}
	b.p.group.ticked = ticked // a second is over
	b.host.Tick()
	if n := b.host.GetTickPeriod(); n != uint32(deadlinePeriod.Milliseconds()) {
		t.Errorf("ticks every %d ms when nothing waits", n)
	}
}

// A stream that ends while its calls are gathered or under way gets nothing, and nobody
// gets its replies, not even a stream in its memory.
func TestStreamsThatEndInAGroup(t *testing.T) {
	for _, when := range []string{"gathered", "under way"} {
		t.Run(when, func(t *testing.T) {
			b := startBusy(t)
			ids := []uint32{b.get("/one/nobody"), b.get("/one/ann"), b.get("/one/nouser")}
			if when == "gathered" {
				b.host.CompleteHttpContext(ids[1])
			}
			b.answer(b.filler[0], nil)
			c := b.one()
			if when == "under way" {
				b.host.CompleteHttpContext(ids[1])
			}
			b.answer(c, nil)
			b.want("before it", ids[0], 403)
			b.want("behind it", ids[2], 403)
			b.answer(b.filler[1], nil)
			if held := b.p.vm.memory.held; held != 0 {
				t.Errorf("%d bytes are held", held)
			}
			if len(b.sent()) != 0 || len(b.p.deadlines.streams) != 0 {
				t.Error("something is left")
			}
		})
	}
}

// A stream is answered at its deadline, whatever became of its group, and once.
func TestDeadlinesInAGroup(t *testing.T) {
	b := startBusy(t)
	ids, c := b.group("/one/ann")
	queued := b.get("/two/bob") // is sent: one young request is under way
	b.p.deadlines.tick(time.Now().Add(time.Minute))
	for _, id := range append(ids, queued) {
		b.want("at its deadline", id, 503)
	}
	b.answer(c, nil)
	for _, c := range b.sent() {
		b.answer(c, nil)
	}
	b.want("too late", ids[0], 503)
	if held := b.p.vm.memory.held; held != 0 {
		t.Errorf("%d bytes are held", held)
	}
}

// A panic about one stream of a group is that stream's.
func TestAPanicInAGroup(t *testing.T) {
	b := startBusy(t)
	ids, c := b.group("/one/ann", "/one/bob", "/one/cid")
	for _, s := range b.p.deadlines.streams {
		if s.id == ids[1] {
			s.request.Clear()
			s.request = nil
		}
	}
	b.answer(c, nil)
	b.want("before it", ids[0], 200)
	b.want("the stream that panics", ids[1], 503)
	b.want("behind it", ids[2], 200)
}

// The calls of a group count for limits.memory.
func TestAGroupBeyondTheMemory(t *testing.T) {
	b := startBusy(t)
	b.p.policy.Limits.Memory = 64 << 10
	long := strings.Repeat("x", 20_000)
	ids := []uint32{b.get("/one/" + long), b.get("/one/" + long), b.get("/one/" + long), b.get("/one/" + long)}
	b.want("the fourth", ids[3], 503)
	if log := strings.Join(b.host.GetWarnLogs(), "\n"); !strings.Contains(log, "not sent: ") {
		t.Error(log)
	}
	b.p.policy.Limits.Memory = 1 << 20 // the replies count too
	b.answer(b.filler[0], nil)
	for _, c := range append(b.sent(), b.filler[1]) {
		b.answer(c, nil)
	}
	for _, id := range ids[:3] {
		b.want("with room", id, 200)
	}
	if held := b.p.vm.memory.held; held != 0 {
		t.Errorf("%d bytes are held", held)
	}
}

// A group that the host does not take is denied, by the next tick.
func TestAGroupThatIsNotSent(t *testing.T) {
	b := startBusy(t)
	ids := []uint32{b.get("/one/ann"), b.get("/one/bob")}
	abi.Record.Err = errors.New("no such cluster")
	b.answer(b.filler[0], nil)
	b.want("before the tick", ids[0], 0)
	b.host.Tick()
	for _, id := range ids {
		b.want("not sent", id, 503)
	}
	if log := strings.Join(b.host.GetWarnLogs(), "\n"); !strings.Contains(log, "no such cluster") {
		t.Error(log)
	}
}

// The order of members is checked: a reply to the calls of one is never given to another.
func TestMembersInAnotherOrder(t *testing.T) {
	b := startBusy(t)
	ids := []uint32{b.get("/one/ann"), b.get("/one/nobody")}
	slices.Reverse(b.p.group.members)
	b.answer(b.filler[0], nil)
	b.answer(b.one(), nil)
	for _, id := range ids {
		b.want("in another order", id, 503)
	}
}
