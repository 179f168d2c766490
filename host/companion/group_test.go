package companion

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

func userCall(id, user string) string {
	return fmt.Sprintf(`{"id":%q,"kind":"query","db":"social","col":"users","find":{"id":%q},"columns":["id"],"limit":1,"trace":{"x-request-id":"req of %s"}}`, id, user, user)
}

// group posts a group whose answered calls wait for ms milliseconds, and returns the replies, each as a text.
func (r *rig) group(ms int, calls string, header ...string) []string {
	r.t.Helper()
	status, reply, seal := r.send(fmt.Sprintf(`{"calls":[%s],"group":%d}`, calls, ms), header...)
	if status != 200 || seal == "" {
		r.t.Fatalf("status %d, seal %q: %s", status, seal, reply)
	}
	v, err := value.Parse(reply, 64)
	if err != nil {
		r.t.Fatalf("%v: %s", err, reply)
	}
	var list []string
	v.Key("replies").Each(func(_ string, x value.Value) bool {
		list = append(list, errorIDs.ReplaceAllString(x.String(), "#"))
		return true
	})
	return list
}

// Each call of a group has its own reply, in the order of the calls, whatever fails.
func TestCallsOfAGroup(t *testing.T) {
	r := newRig(t, Limits{})
	for range 20 {
		got := r.group(1000, strings.Join([]string{
			userCall("0", "ann"), userCall("1", "nobody"), userCall("2", "bob"), userCall("3", "ann"),
			`{"id":"4","kind":"query","db":"social","col":"secrets"}`,
			`{"id":"5","kind":"query","db":"social","col":"users","find":{"id":{"$bad":1}}}`,
			`{"id":"6","kind":"webhook","url":"http://h/","body":{}}`,
			`{"id":"7","kind":"query","db":"social","col":"users","trace":{"authorization":"x"}}`,
			`{"id":"8","kind":"query","db":"social","col":"users","trace":"x"}`,
			userCall("9", "cid"),
		}, ","))
		want := `{"id":"0","rows":[{"id":"ann"}]} {"id":"1","rows":[]} {"id":"2","rows":[{"id":"bob"}]} {"id":"3","rows":[{"id":"ann"}]} ` +
			`{"id":"4","error":"not configured #"} {"id":"5","error":"bad call #"} {"id":"6","error":"bad call #"} {"id":"7","error":"bad call #"} {"id":"8","error":"bad call #"} ` +
			`{"id":"9","rows":[{"id":"cid"}]}`
		if strings.Join(got, " ") != want {
			t.Fatalf("%s\nwant %s", strings.Join(got, " "), want)
		}
	}
	if log := r.log(); !strings.Contains(log, "in a group: want a query") {
		t.Error(log)
	}
}

func TestMalformedGroups(t *testing.T) {
	r := newRig(t, Limits{Calls: 2})
	for _, body := range []string{
		`{"calls":[` + userCall("0", "ann") + `],"group":0}`, `{"calls":[` + userCall("0", "ann") + `],"group":-1}`,
		`{"calls":[` + userCall("0", "ann") + `],"group":1001}`, `{"calls":[` + userCall("0", "ann") + `],"group":"10"}`,
		`{"calls":[` + userCall("0", "ann") + `],"group":null}`, `{"calls":[` + userCall("0", "ann") + `],"group":1.5}`,
		`{"calls":[` + userCall("0", "ann") + `],"group":10,"more":1}`,
		`{"calls":[` + userCall("0", "ann") + `,` + userCall("0", "bob") + `],"group":10}`,
		`{"calls":[` + userCall("0", "ann") + `,` + userCall("1", "bob") + `,` + userCall("2", "cid") + `],"group":10}`,
	} {
		if status, reply, seal := r.send(body); status != 400 || seal != "" {
			t.Errorf("%s: %d %s", body, status, reply)
		}
	}
	// Outside of a group a call has no trace.
	if got := r.ask(userCall("0", "ann")); got[0] != `{"id":"0","error":"bad call #"}` {
		t.Error(got)
	}
}

// A slow query of a group does not hold the others up, and goes on: the request that asks
// for it again joins it.
func TestASlowQueryOfAGroup(t *testing.T) {
	r := newRig(t, Limits{})
	counted := r.count()
	counted.slow = make(chan struct{})
	release := sync.OnceFunc(func() { close(counted.slow) })
	t.Cleanup(release)
	got := r.group(100, userCall("0", "ann")+`,`+strings.Replace(slowCall, `"1"`, `"1"`, 1)+`,`+userCall("2", "nobody"))
	if want := `{"id":"0","rows":[{"id":"ann"}]} {"id":"1","later":true} {"id":"2","rows":[]}`; strings.Join(got, " ") != want {
		t.Fatalf("%s, want %s", got, want)
	}
	answered := make(chan string)
	go func() { answered <- r.one(slowCall, wire.TimeoutHeader, "5000") }()
	for r.c.coalescer.Callers() < 2 {
		time.Sleep(time.Millisecond)
	}
	release()
	if got := <-answered; got != `{"id":"1","rows":[{"id":1}]}` {
		t.Error(got)
	}
	if n := counted.n.Load(); n != 3 {
		t.Errorf("%d queries, want 3", n)
	}
}

// A slow query that nobody asks for again ends, and so does the group of a module that has
// left.
func TestASlowQueryOfAGroupEnds(t *testing.T) {
	r := newRig(t, Limits{})
	if got := r.group(1000, userCall("0", "ann")+`,`+slowCall); got[1] != `{"id":"1","later":true}` {
		t.Fatal(got)
	}
	// Until then it counts as a request in flight.
	counted := false
	for r.c.coalescer.Running() > 0 {
		counted = counted || r.c.admission.requests.Load() == 1
		time.Sleep(10 * time.Millisecond)
	}
	if !counted {
		t.Error("a query that goes on is not counted")
	}
	ctx, leave := context.WithCancel(context.Background())
	body := `{"calls":[` + slowCall + `,` + strings.Replace(slowCall, `"1"`, `"2"`, 1) + `],"group":1000}`
	req, err := http.NewRequestWithContext(ctx, "POST", r.url+wire.Path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", testKeys.Sign("shop", []byte(body), time.Now()))
	go func() {
		for r.c.coalescer.Running() == 0 {
			time.Sleep(time.Millisecond)
		}
		leave()
	}()
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
	}
	for r.c.coalescer.Running() > 0 || r.c.admission.requests.Load() > 0 || r.c.admission.bytes.Load() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

// Where there is no room for another request, a slow query ends at once.
func TestASlowQueryWithoutRoom(t *testing.T) {
	r := newRig(t, Limits{InFlight: 1})
	r.c.admission.enter()
	ctx, cancel := context.WithCancel(context.Background())
	results := make(chan result, 1)
	r.c.linger(context.Background(), cancel, results, 1)
	if ctx.Err() == nil {
		t.Error("it goes on")
	}
	results <- result{}
	if n := r.c.admission.requests.Load(); n != 1 {
		t.Errorf("%d requests in flight, want 1", n)
	}
}

// A group of which nothing is answered is replied to, and one of a single call waits for
// its deadline.
func TestAGroupOfSlowQueries(t *testing.T) {
	r := newRig(t, Limits{})
	got := r.group(10, slowCall+`,`+strings.Replace(slowCall, `"1"`, `"2"`, 1))
	if want := `{"id":"1","later":true} {"id":"2","later":true}`; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
	got = r.group(10, slowCall, wire.TimeoutHeader, "1000")
	if want := `{"id":"1","error":"timeout #"}`; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Long answers come alone, so that each stream holds its own.
func TestLongAnswersOfAGroup(t *testing.T) {
	r := newRig(t, Limits{})
	long := `{"id":%q,"kind":"query","db":"social","col":"long","limit":1}`
	got := r.group(1000, userCall("0", "ann")+`,`+fmt.Sprintf(long, "1")+`,`+fmt.Sprintf(long, "2")+`,`+userCall("3", "bob"))
	if got[0] != `{"id":"0","rows":[{"id":"ann"}]}` || len(got[1]) < 40_000 || got[2] != `{"id":"2","later":true}` || got[3] != `{"id":"3","rows":[{"id":"bob"}]}` {
		t.Errorf("%.300s", got)
	}
	for r.c.admission.bytes.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// The log and the decision log name the request of each call.
func TestTracesOfAGroup(t *testing.T) {
	r := newRig(t, Limits{})
	lines := make(chan string, 10)
	r.c.decisions = NewDecisions(nil, func(line string) { lines <- line })
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r.group(1000, userCall("0", "ann")+`,{"id":"1","kind":"query","db":"social","col":"nothing","trace":{"x-request-id":"req-7","traceparent":"`+parent+`"}}`)
	if log := r.log(); !strings.Contains(log, "request_id=req-7 trace_id=0af7651916cd43dd8448eb211c80319c") {
		t.Error(log)
	}
	byID := map[string]string{}
	for range 2 {
		line := <-lines
		e, err := decisionlog.Parse([]byte(line))
		if err != nil || len(e.Calls) != 1 || e.Of != "calls" {
			t.Fatal(line, err)
		}
		byID[e.RequestID] = string(e.Outcome) + " " + e.TraceID
	}
	if byID["req of ann"] != "yes " || byID["req-7"] != "error 0af7651916cd43dd8448eb211c80319c" || len(lines) != 0 {
		t.Errorf("%v, and %d lines", byID, len(lines))
	}
}
