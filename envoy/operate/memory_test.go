package operate

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// floodPolicy has routes on which a large body, or its rewriting, costs the VM
// memory.
const floodPolicy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
companion: {cluster: rulegate-companion, timeout: 170s}
limits: {bodyTimeout: 170s, memory: 96MiB}
databases: {social: {type: embedded, conn: social.db}}
routes:
  - {name: open, match: {path: /open}, rule: {rule: allow}}
  - name: waits
    match: {methods: [POST], path: /waits}
    rule:
      rule: and
      clauses:
        - {rule: match, type: number, eval: "==", f1: args.params.k7, f2: 1}
        - rule: query
          db: social
          col: bans
          find: {id: args.auth.id}
          clause: {rule: match, type: number, eval: "==", f1: utils.length(args.result), f2: 0}
  - name: reads
    match: {methods: [POST], path: /reads}
    rule: {rule: match, type: number, eval: "==", f1: args.params.k7, f2: 1}
  - name: form
    match: {methods: [POST], path: /form}
    rule: {rule: match, type: string, eval: "==", f1: args.params.k7, f2: "1"}
  - name: masks
    match: {methods: [GET], path: /masks}
    rule: {rule: remove, fields: [res.k7]}
`

// manyKeys returns an object or a form of about a MiB with many keys.
func manyKeys(form string) string {
	var b strings.Builder
	for i := 0; b.Len() < 1000<<10; i++ {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

var (
	largeObject = `{"x":0` + manyKeys(`,"k%d":1`) + `}`
	largeForm   = "x=0" + manyKeys(`&k%d=1`)
)

// floodTimeout is long enough for a flood on a slow machine.
const floodTimeout = 3 * time.Minute

// flood is a number of requests that are sent side by side.
type flood struct {
	number, clients int
	method, path    string
	contentType     string
	body            string
	token           [2]string
}

func (f *flood) to(addr string) *http.Request {
	r := httptest.NewRequest(f.method, "http://"+addr+f.path, strings.NewReader(f.body))
	r.RequestURI = ""
	r.Header.Set("content-type", f.contentType)
	r.Header.Set(f.token[0], f.token[1])
	r.Header.Set(harness.RequestID, f.path)
	return r
}

// send sends the requests and returns how many got each status; 0 is an error.
func (f *flood) send(addr string) map[int]int {
	client := http.Client{Timeout: floodTimeout}
	var (
		mu    sync.Mutex
		found = map[int]int{}
		next  = make(chan struct{})
		ends  sync.WaitGroup
	)
	for range f.clients {
		ends.Go(func() {
			for range next {
				status := 0
				if resp, err := client.Do(f.to(addr)); err == nil {
					status = resp.StatusCode
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				mu.Lock()
				found[status]++
				mu.Unlock()
			}
		})
	}
	for range f.number {
		next <- struct{}{}
	}
	close(next)
	ends.Wait()
	return found
}

// TestFloodsInEnvoy tests that large bodies of many clients do not exhaust the
// memory of a VM: each is decided or refused with 503, no VM traps, and other
// requests are answered meanwhile.
func TestFloodsInEnvoy(t *testing.T) {
	up, companion := harness.NewUpstream(t), newWaitingCompanion(t)
	companion.asked = make(chan struct{}, 1000)
	b := harness.NewBootstrap(t, up.URL)
	b.Workers = 1
	b.Conf.Idle = floodTimeout
	b.AddPolicy(t, "flood", floodPolicy, companion.URL)
	for i := range b.Conf.Clusters {
		b.Conf.Clusters[i].Connect = floodTimeout // the worker is busy with bodies
	}
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)["flood"]
	token := harness.Bearer(t, `{"id":"u1"}`)
	up.Respond("/masks", &harness.UpstreamResponse{Status: 200, Headers: [][2]string{{"content-type", jsonType}}, Body: largeObject})
	others := func(t *testing.T) {
		t.Helper()
		if a, err := harness.Send(at, &harness.Request{Method: "GET", Target: "/open"}, "open"); err != nil || a.Status != http.StatusOK {
			t.Errorf("another request: want 200, found %v, %v", a, err)
		}
		if log := p.Log(); strings.Contains(log, "Function: proxy_on_") {
			t.Fatalf("a trap:\n%.2000s", log[strings.Index(log, "Function: proxy_on_"):])
		}
		const most = 500 << 20 // before the first flood it is half of that
		if n := resident(t, p); n > most {
			t.Errorf("resident: %d MB, want %d at most", n>>20, most>>20)
		}
	}
	others(t)

	for _, f := range []struct {
		name string
		flood
		allowed int // of the requests, at least
	}{
		{"objects", flood{40, 10, "POST", "/reads", jsonType, largeObject, token}, 40},
		{"forms", flood{200, 10, "POST", "/form", formType, largeForm, token}, 0},
		{"masked responses", flood{40, 10, "GET", "/masks", jsonType, "", token}, 40},
	} {
		t.Run(f.name, func(t *testing.T) {
			done := make(chan map[int]int)
			go func() { done <- f.send(at) }()
			others(t)
			found := <-done
			t.Logf("statuses: %v", found)
			if found[http.StatusOK] < f.allowed || found[0] > 0 {
				t.Errorf("want %d times 200 at least and no error, found %v", f.allowed, found)
			}
			others(t)
		})
	}

	t.Run("objects that wait", func(t *testing.T) {
		f := flood{45, 45, "POST", "/waits", jsonType, largeObject, token}
		done := make(chan map[int]int)
		go func() { done <- f.send(at) }()
		const least = 20 // of them wait: 32 bodies of a MiB fit into 96 MiB three times
		for range least {
			select {
			case <-companion.asked:
			case <-time.After(floodTimeout):
				t.Fatalf("the companion got fewer than %d requests", least)
			}
		}
		others(t)
		companion.release()
		found := <-done
		t.Logf("statuses: %v", found)
		if found[http.StatusOK] < least || found[http.StatusServiceUnavailable] == 0 || found[http.StatusOK]+found[http.StatusServiceUnavailable] != f.number {
			t.Errorf("want %d times 200 at least and 503 for the others, found %v", least, found)
		}
		others(t)
	})
}

// resident returns the resident memory of Envoy in bytes.
func resident(t testing.TB, p *harness.Process) int {
	if runtime.GOOS != "linux" {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			n, _ := strconv.Atoi(f[1])
			return n << 10
		}
	}
	return 0
}
