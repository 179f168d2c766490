//go:build !wasip1

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// grouping lets a user through who has a row, by a query, by two, by one whose answer is
// kept, and by a webhook.
const grouping = `{
	"project": "shop",
	"auth": {"tokens": [{"alg": "HS256", "secret": "a secret of more than thirty-two bytes", "primary": true}]},
	"databases": {"d": {"type": "embedded"}},
	"limits": {"calls": 6},
	"routes": [
		{"name": "one", "match": {"path": "/one/{id}"}, "auth": "none", "rule": {"rule": "query", "db": "d", "col": "c", "find": {"id": "args.request.vars.id"}}},
		{"name": "two", "match": {"path": "/two/{id}"}, "auth": "none", "rule": {"rule": "and", "clauses": [
			{"rule": "query", "db": "d", "col": "a", "find": {"id": "args.request.vars.id"}}, {"rule": "query", "db": "d", "col": "b", "find": {"id": "args.request.vars.id"}}]}},
		{"name": "kept", "match": {"path": "/kept/{id}"}, "auth": "none", "rule": {"rule": "query", "cache": "1m", "db": "d", "col": "c", "find": {"id": "args.request.vars.id"}}},
		{"name": "hook", "match": {"path": "/hook/{id}"}, "auth": "none", "rule": {"rule": "webhook", "url": "http://h/"}},
		{"name": "shadow", "mode": "shadow", "match": {"path": "/shadow/{id}"}, "auth": "none", "rule": {"rule": "query", "db": "d", "col": "c", "find": {"id": "args.request.vars.id"}}}
	]
}`

// bench is a plugin in the emulated host, with the requests that it sends.
type bench struct {
	t      *testing.T
	host   proxytest.HostEmulator
	p      *plugin
	filler []*abi.Sent
}

// startBusy starts a plugin with two young requests under way.
func startBusy(t *testing.T) *bench {
	t.Helper()
	v := &emulatedVM{}
	host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(v).WithPluginConfiguration([]byte(grouping)))
	t.Cleanup(reset)
	host.RegisterForeignFunction("verify_signature", func([]byte) []byte { return []byte{1 << 3, 0} })
	if host.StartPlugin() != types.OnPluginStartStatusOK {
		t.Fatal(host.GetErrorLogs())
	}
	abi.Record = new(abi.Recorder)
	t.Cleanup(func() { abi.Record = nil })
	b := &bench{t: t, host: host, p: v.plugin}
	for i := range atOnce {
		b.get(fmt.Sprintf("/one/filler%d", i))
		sent := b.sent()
		if len(sent) != 1 || strings.Contains(sent[0].Body, `"group"`) {
			t.Fatalf("want each of the first requests alone and at once, found %d", len(sent))
		}
		b.filler = append(b.filler, sent[0])
	}
	b.young()
	return b
}

// young makes the requests under way young for long, so that no test depends on the time.
func (b *bench) young() {
	for _, f := range b.p.group.recent {
		f.sent, f.landed = time.Now().Add(time.Hour), false
	}
}

// get starts a request.
func (b *bench) get(path string) uint32 {
	b.t.Helper()
	id := b.host.InitializeHttpContext()
	b.host.CallOnRequestHeaders(id, [][2]string{{":method", "GET"}, {":path", path}, {":authority", "shop"}, {":scheme", "http"}, {"x-request-id", "of " + path[:min(len(path), 20)]}}, true)
	return id
}

// sent returns the requests to the companion that are new.
func (b *bench) sent() []*abi.Sent {
	out := abi.Record.Sent
	abi.Record.Sent = nil
	return out
}

// one returns the only new request.
func (b *bench) one() *abi.Sent {
	b.t.Helper()
	sent := b.sent()
	if len(sent) != 1 {
		b.t.Fatalf("%d requests to the companion, want 1", len(sent))
	}
	return sent[0]
}

// answer answers a request as the companion does: a user has a row unless its name begins with
// "no". change changes the body of the answer.
func (b *bench) answer(c *abi.Sent, change func(replies []string) []string) {
	b.t.Helper()
	v, err := value.Parse(c.Body, 20)
	if err != nil {
		b.t.Fatal(err)
	}
	var replies []string
	v.Key("calls").Each(func(_ string, x value.Value) bool {
		id, _ := x.Key("id").Text()
		user, _ := x.Key("find").Key("id").Text()
		rows := fmt.Sprintf(`[{"id":%q}]`, user)
		if strings.HasPrefix(user, "no") {
			rows = "[]"
		}
		replies = append(replies, fmt.Sprintf(`{"id":%q,"rows":%s}`, id, rows))
		return true
	})
	if change != nil {
		replies = change(replies)
	}
	b.reply(c, "200", `{"replies":[`+strings.Join(replies, ",")+`]}`, true)
}

func (b *bench) reply(c *abi.Sent, status, body string, sealed bool) {
	headers := [][2]string{{":status", status}}
	if sealed {
		headers = append(headers, [2]string{wire.SealHeader, b.p.companion.keys.Seal(header(c, "authorization"), []byte(body))})
	}
	c.Reply(headers, body)
}

func header(c *abi.Sent, name string) string {
	for _, h := range c.Headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// outcome is 200 for a request that was let through, 0 for one that waits, or the status
// that it was refused by.
func (b *bench) outcome(id uint32) uint32 {
	if r := b.host.GetSentLocalResponse(id); r != nil {
		return r.StatusCode
	}
	if b.host.GetCurrentHttpStreamAction(id) == types.ActionContinue {
		return 200
	}
	return 0
}

func (b *bench) want(why string, id uint32, status uint32) {
	b.t.Helper()
	if got := b.outcome(id); got != status {
		b.t.Errorf("%s: %d, want %d", why, got, status)
	}
}

// group starts requests of users that are gathered, and sends their group by the reply to
// an earlier request.
func (b *bench) group(paths ...string) (ids []uint32, c *abi.Sent) {
	b.t.Helper()
	for _, path := range paths {
		ids = append(ids, b.get(path))
	}
	if sent := b.sent(); len(sent) != 0 {
		b.t.Fatalf("%d requests went out while two were under way", len(sent))
	}
	b.answer(b.filler[0], nil)
	return ids, b.one()
}

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
