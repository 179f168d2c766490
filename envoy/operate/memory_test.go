package operate

import (
	"bufio"
	"fmt"
	"io"
	"net"
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
limits: {bodyTimeout: 170s}
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
	plainObject = `{"k7":1,"x":"` + strings.Repeat("x", 1<<20-20) + `"}`
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
// memory of a VM at the default limits: each is decided or refused with 503, no VM
// traps, other requests are answered meanwhile, and Envoy takes no more memory each
// time.
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
	w := &floodWatch{process: p, at: at}
	w.check(t)
	t.Logf("resident before: %d MB", resident(t, p)>>20)

	t.Run("objects that wait", func(t *testing.T) {
		f := flood{150, 150, "POST", "/waits", jsonType, largeObject, token}
		const least = 80 // of them wait: 85 bodies of a MiB fit into 256 MiB three times
		found := w.during(t, mostResident, func() map[int]int {
			done := make(chan map[int]int)
			go func() { done <- f.send(at) }()
			for range least {
				select {
				case <-companion.asked:
				case <-time.After(floodTimeout):
					t.Errorf("the companion got fewer than %d requests", least)
				}
			}
			w.check(t)
			companion.release()
			return <-done
		})
		if found[http.StatusOK] < least || found[http.StatusServiceUnavailable] == 0 || found[http.StatusOK]+found[http.StatusServiceUnavailable] != f.number {
			t.Errorf("want %d times 200 at least and 503 for the others, found %v", least, found)
		}
	})

	for _, f := range []struct {
		name string
		flood
		allowed int // of the requests, at least
	}{
		{"objects", flood{40, 10, "POST", "/reads", jsonType, largeObject, token}, 40},
		{"forms", flood{1000, 30, "POST", "/form", formType, largeForm, token}, 0},
		{"masked responses", flood{300, 30, "GET", "/masks", jsonType, "", token}, 300},
	} {
		t.Run(f.name, func(t *testing.T) {
			found := w.during(t, mostResident, func() map[int]int { return f.send(at) })
			if found[http.StatusOK] < f.allowed || found[0] > 0 {
				t.Errorf("want %d times 200 at least and no error, found %v", f.allowed, found)
			}
		})
	}

	limit := mostOfSlow
	for _, name := range []string{"slow bodies", "slow bodies again"} {
		t.Run(name, func(t *testing.T) {
			var all []*slowBody
			found := w.during(t, limit, func() map[int]int {
				for range 300 {
					all = append(all, startSlowBody(t, at, token, plainObject))
				}
				w.check(t)
				return finishSlowBodies(all)
			})
			if found[http.StatusOK] == 0 || found[http.StatusOK]+found[http.StatusServiceUnavailable] != len(all) {
				t.Errorf("want 200 or 503 for each, found %v", found)
			}
			limit = w.most + w.most/10
		})
	}
}

// floodWatch looks after an Envoy while it gets a flood.
type floodWatch struct {
	process *harness.Process
	at      string
	most    int // bytes that were resident
}

const (
	// mostResident is what Envoy may take, with one worker, the VM of its main thread
	// and the bodies that it buffers itself.
	mostResident = 400 << 20
	// mostOfSlow is the same while limits.memory is full of bodies that are not whole:
	// Envoy has 256 MiB of them.
	mostOfSlow = mostResident + 256<<20
)

// check tests that another request is answered, that no VM has trapped, and how much
// memory Envoy takes.
func (w *floodWatch) check(t *testing.T) {
	t.Helper()
	client := http.Client{Timeout: floodTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + w.at + "/open")
	if err != nil {
		t.Fatalf("another request: %v", err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusOK {
		t.Errorf("another request: want 200, found %s", resp.Status)
	}
	if log := w.process.Log(); strings.Contains(log, "Function: proxy_on_") {
		t.Fatalf("a trap:\n%.2000s", log[strings.Index(log, "Function: proxy_on_"):])
	}
	w.most = max(w.most, resident(t, w.process))
}

// during sends a flood, checks Envoy meanwhile, and logs how the flood was answered.
func (w *floodWatch) during(t *testing.T, limit int, send func() map[int]int) map[int]int {
	t.Helper()
	w.most = 0
	done := make(chan map[int]int)
	go func() { done <- send() }()
	checks := 0
	for {
		select {
		case found := <-done:
			w.check(t)
			t.Logf("statuses: %v; %d other requests were answered; resident: %d MB at most, %d now", found, checks, w.most>>20, resident(t, w.process)>>20)
			if w.most > limit {
				t.Errorf("resident: %d MB, want %d at most", w.most>>20, limit>>20)
			}
			return found
		case <-time.After(50 * time.Millisecond):
			w.check(t)
			checks++
		}
	}
}

// slowBody is a POST of which all but the last byte was sent.
type slowBody struct {
	net.Conn
	last string
}

func startSlowBody(t *testing.T, at string, token [2]string, body string) *slowBody {
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(floodTimeout))
	go fmt.Fprintf(conn, "POST /reads HTTP/1.1\r\nhost: shop.example\r\n%s: %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s",
		token[0], token[1], jsonType, len(body), body[:len(body)-1])
	return &slowBody{conn, body[len(body)-1:]}
}

// finishSlowBodies sends the last bytes and returns how many got each status.
func finishSlowBodies(all []*slowBody) map[int]int {
	var (
		mu    sync.Mutex
		found = map[int]int{}
		ends  sync.WaitGroup
	)
	for _, s := range all {
		ends.Go(func() {
			status := 0
			fmt.Fprint(s, s.last)
			if resp, err := http.ReadResponse(bufio.NewReader(s), nil); err == nil {
				status = resp.StatusCode
			}
			mu.Lock()
			defer mu.Unlock()
			found[status]++
		})
	}
	ends.Wait()
	return found
}

// resident returns the memory that Envoy has taken, in bytes, without the pages of its
// program, which the system may drop.
func resident(t testing.TB, p *harness.Process) int {
	if runtime.GOOS != "linux" {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
			n, _ := strconv.Atoi(f[1])
			return n << 10
		}
	}
	return 0
}
