package companion

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// TestCompanionInEnvoy tests companions that misbehave and clients that close
// their connections, for queries about the request and about the response.
func TestCompanionInEnvoy(t *testing.T) {
	harness.RunParts(t, []harness.Part{
		{Name: "request: faulty companion", Setup: requestFaults},
		{Name: "kept answers", Setup: keptAnswers},
		{Name: "request: client leaves", Setup: requestClientsLeave},
		{Name: "response: faulty companion", Setup: responseFaults},
		{Name: "response: client leaves", Setup: responseClientsLeave},
		{Name: "response with trailers", Setup: responseTrailers},
		{Name: "companions of another version", Setup: versionsApart},
	})
}

// startFaulty starts a companion for each behaviour and returns their URLs; busy
// counts the requests that they have not answered yet.
func startFaulty(t *testing.T) (urls map[string]string, busy *sync.WaitGroup) {
	urls, busy = map[string]string{}, &sync.WaitGroup{}
	for name, b := range behaviours {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			busy.Add(1)
			defer busy.Done()
			body := make([]byte, r.ContentLength)
			if _, err := io.ReadFull(r.Body, body); err != nil {
				return
			}
			b.answer(w, r, body)
		}))
		t.Cleanup(srv.Close)
		urls[name] = srv.URL
	}
	// Another test may listen on a port that is free now, but not on port 1.
	urls["down"] = "http://127.0.0.1:1"
	return urls, busy
}

// withTimeout gives a companion that answers well enough time for a busy machine;
// for the others the policy's timeout stays short.
func withTimeout(policy, behaviour string) string {
	if behaviours[behaviour].through || behaviour == "banned" {
		return strings.Replace(policy, "timeout: 400ms", "timeout: 15s", 1)
	}
	return policy
}

// requestFaults tests each behaviour of a companion: unless the reply is good, the
// client gets an error and the upstream no request.
func requestFaults(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	urls, busy := startFaulty(t)
	for name, u := range urls {
		b.AddPolicy(t, harness.Slug(name), withTimeout(harness.BansPolicy, name), u)
	}
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		runRequestFaults(t, up, busy, func(name string) string { return at[harness.Slug(name)] })
	}
}

func TestRequestFaultsOnWazero(t *testing.T) {
	up := harness.NewUpstream(t)
	urls, busy := startFaulty(t)
	m := harness.LoadModule(t)
	at := map[string]string{}
	for name, u := range urls {
		c := &harness.Case{Name: harness.Slug(name), Policy: withTimeout(harness.BansPolicy, name)}
		target, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		at[name] = harness.Gateway{Case: c, Module: m, Upstream: up, Companion: gateway.Cluster{URL: target}}.Start(t)
	}
	runRequestFaults(t, up, busy, func(name string) string { return at[name] })
}

func runRequestFaults(t *testing.T, up *harness.Upstream, busy *sync.WaitGroup, addr func(name string) string) {
	all := map[string]bool{"down": false}
	for name, b := range behaviours {
		all[name] = b.through
	}
	token := harness.Bearer(t, `{"id":"u1"}`)
	t.Run("requests", func(t *testing.T) {
		for name, through := range all {
			for kind, r := range map[string]*harness.Request{
				"get":  {Method: "GET", Target: "/page"},
				"post": {Method: "POST", Target: "/page", Body: "a body that nobody reads"},
			} {
				t.Run(name+"/"+kind, func(t *testing.T) {
					t.Parallel()
					r.Headers = [][2]string{token}
					answer, err := harness.Send(addr(name), r, t.Name())
					if err != nil {
						t.Fatal(err)
					}
					want := http.StatusServiceUnavailable
					switch {
					case through:
						want = http.StatusOK
					case name == "banned":
						want = http.StatusForbidden
					}
					if answer.Status != want {
						t.Errorf("want %d, found %d %s", want, answer.Status, answer.Body)
					}
					if !through && !strings.HasPrefix(answer.Body, `{"error":`) {
						t.Errorf("want an error as JSON, found %s", answer.Body)
					}
				})
			}
		}
	})
	busy.Wait() // the late companion has answered
	time.Sleep(200 * time.Millisecond)
	for id, n := range up.Counts() {
		if strings.Contains(id, "/requests/") && (!strings.Contains(id, "/good/") || n != 1) {
			t.Errorf("the upstream got %s, %d times", id, n)
		}
	}
}

// requestClientsLeave tests clients that close the connection while their request
// waits for the companion: later requests are not affected.
func requestClientsLeave(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	urls, busy := startFaulty(t)
	b.AddPolicy(t, "left", harness.BansPolicy, urls["late"])
	b.AddPolicy(t, "stayed", withTimeout(harness.BansPolicy, "good"), urls["good"])
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		headers := [][2]string{harness.Bearer(t, `{"id":"u1"}`)}
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				conn, err := net.Dial("tcp", at["left"])
				if err != nil {
					t.Error(err)
					return
				}
				r := &harness.Request{Method: "POST", Target: "/page", Headers: headers, Body: "half of"}
				fmt.Fprint(conn, strings.TrimSuffix(r.Wire(fmt.Sprint("gone-", i)), "of"))
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				conn.Close()
			})
		}
		all.Wait()
		busy.Wait()
		for i := range 20 {
			answer, err := harness.Send(at["stayed"], &harness.Request{Method: "GET", Target: "/page", Headers: headers}, fmt.Sprint("stays-", i))
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("%v %v", answer, err)
			}
		}
		for i := range 50 {
			if got, _ := up.Take(fmt.Sprint("gone-", i)); len(got) > 0 {
				t.Errorf("the upstream got the request of client %d", i)
			}
		}
	}
}
