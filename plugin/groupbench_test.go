//go:build !wasip1

package main

import (
	"fmt"
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
