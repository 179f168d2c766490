package companion

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// responsePolicy queries the companion when the response arrives: on /body about
// the owner of the document, while the module holds the body; on /headers about
// the user, when only the headers are there.
const responsePolicy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
companion: {cluster: rulegate-companion, timeout: 400ms}
databases: {social: {type: embedded, conn: social.db}}
routes:
  - match: {methods: [GET, POST], path: "/body"}
    rule: {rule: authenticated}
    response: {rule: query, db: social, col: bans, find: {id: args.res.owner}, clause: {rule: match, type: number, eval: "==", f1: utils.length(args.result), f2: 0}}
  - match: {methods: [GET, POST], path: "/headers"}
    rule: {rule: authenticated}
    response: {rule: query, db: social, col: bans, find: {id: args.auth.id}, clause: {rule: match, type: number, eval: "==", f1: utils.length(args.result), f2: 0}}
`

// document is the upstream's response: with a length, and in chunks.
var document = map[string]*harness.UpstreamResponse{
	"whole":  {Status: 200, Headers: [][2]string{{"content-type", "application/json"}, {"x-note", "SECRET"}}, Body: `{"owner":"u2","x":"SECRET"}`},
	"pieces": {Status: 200, Headers: [][2]string{{"content-type", "application/json"}, {"x-note", "SECRET"}, {"transfer-encoding", "chunked"}}, Body: `{"owner":"u2","x":"SECRET"}`},
}

// responseFaults tests each behaviour of a companion while the response waits for
// it: unless the reply is good, the client gets an error and nothing of the
// response.
func responseFaults(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	urls, busy := startFaulty(t)
	for name, u := range urls {
		b.AddPolicy(t, "later-"+harness.Slug(name), withTimeout(responsePolicy, name), u)
	}
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		runResponseFaults(t, up, busy, func(name string) string { return at["later-"+harness.Slug(name)] })
	}
}

func TestResponseFaultsOnWazero(t *testing.T) {
	up := harness.NewUpstream(t)
	urls, busy := startFaulty(t)
	m := harness.LoadModule(t)
	at := map[string]string{}
	for name, u := range urls {
		c := &harness.Case{Name: harness.Slug(name), Policy: withTimeout(responsePolicy, name)}
		target, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		at[name] = harness.Gateway{Case: c, Module: m, Upstream: up, Companion: gateway.Cluster{URL: target}}.Start(t)
	}
	runResponseFaults(t, up, busy, func(name string) string { return at[name] })
}

func runResponseFaults(t *testing.T, up *harness.Upstream, busy *sync.WaitGroup, addr func(name string) string) {
	token := harness.Bearer(t, `{"id":"u1"}`)
	ask := func(t *testing.T, name, target, shape string) {
		up.Respond(t.Name(), document[shape])
		answer, err := harness.Send(addr(name), &harness.Request{Method: "GET", Target: target, Headers: [][2]string{token}}, t.Name())
		if err != nil {
			t.Fatal(err)
		}
		want := http.StatusServiceUnavailable
		switch {
		case behaviours[name].through:
			want = http.StatusOK
		case name == "banned":
			want = http.StatusForbidden
		}
		if answer.Status != want {
			t.Errorf("want %d, found %d %s", want, answer.Status, answer.Body)
		}
		if want == http.StatusOK {
			if answer.Body != document[shape].Body {
				t.Errorf("want the document, found %s", answer.Body)
			}
			return
		}
		if strings.Contains(answer.Body+fmt.Sprint(answer.Headers), "SECRET") || !strings.HasPrefix(answer.Body, `{"error":`) {
			t.Errorf("want an error as JSON, and nothing of the document, found %v %s", answer.Headers, answer.Body)
		}
	}
	t.Run("responses", func(t *testing.T) {
		names := []string{"down"}
		for name := range behaviours {
			names = append(names, name)
		}
		for _, name := range names {
			for _, target := range []string{"/body", "/headers"} {
				for shape := range document {
					t.Run(name+target+"/"+shape, func(t *testing.T) {
						t.Parallel()
						ask(t, name, target, shape)
					})
				}
			}
		}
	})
	busy.Wait() // the late companion has answered
	t.Run("afterwards", func(t *testing.T) {
		for _, target := range []string{"/body", "/headers"} {
			ask(t, "good", target, "whole")
		}
	})
}

// responseClientsLeave tests clients that close the connection while their
// response waits for the companion: later requests are not affected.
func responseClientsLeave(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	urls, busy := startFaulty(t)
	b.AddPolicy(t, "left-later", responsePolicy, urls["late"])
	b.AddPolicy(t, "stayed-later", withTimeout(responsePolicy, "good"), urls["good"])
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		headers := [][2]string{harness.Bearer(t, `{"id":"u1"}`)}
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				id := fmt.Sprint("left-later-", i)
				up.Respond(id, document["pieces"])
				conn, err := net.Dial("tcp", at["left-later"])
				if err != nil {
					t.Error(err)
					return
				}
				r := &harness.Request{Method: "GET", Target: []string{"/body", "/headers"}[i%2], Headers: headers}
				fmt.Fprint(conn, r.Wire(id))
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				conn.Close()
			})
		}
		all.Wait()
		busy.Wait()
		for i := range 20 {
			id := fmt.Sprint("stays-later-", i)
			up.Respond(id, document["whole"])
			answer, err := harness.Send(at["stayed-later"], &harness.Request{Method: "GET", Target: "/body", Headers: headers}, id)
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("%v %v", answer, err)
			}
		}
	}
}

// responseTrailers tests a query about a response that ends with trailers. The
// client speaks HTTP/2, in which it gets the trailers.
func responseTrailers(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	trailing := harness.TrailersUpstream(t, document["whole"].Body)
	b.AddCluster("trailing", trailing.URL)
	b.HTTP2 = append(b.HTTP2, "trailing")
	urls, _ := startFaulty(t)
	for _, name := range []string{"good", "banned", "unsigned"} {
		b.AddPolicy(t, "trailing-"+name, responsePolicy, urls[name]).Upstream = "trailing"
	}
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		runTrailing(t, func(name string) string { return at["trailing-"+name] })
	}
}

func runTrailing(t *testing.T, at func(name string) string) {
	client := &http.Client{Transport: &http.Transport{Protocols: harness.HTTP2()}, Timeout: harness.RequestTimeout}
	for name, want := range map[string]int{"good": 200, "banned": 403, "unsigned": 503} {
		for _, path := range []string{"/body", "/headers"} {
			t.Run(name+path, func(t *testing.T) {
				req := &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: at(name), Path: path}, Header: http.Header{}}
				token := harness.Bearer(t, `{"id":"u1"}`)
				req.Header.Set(token[0], token[1])
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != want {
					t.Fatalf("want %d, found %d %s, %v", want, resp.StatusCode, body, err)
				}
				if want == 200 && (string(body) != document["whole"].Body || resp.Trailer.Get("x-sum") != "1") {
					t.Errorf("found %s, trailers %v", body, resp.Trailer)
				}
				if want != 200 && (strings.Contains(string(body), "SECRET") || len(resp.Trailer) > 0) {
					t.Errorf("found %s, trailers %v", body, resp.Trailer)
				}
			})
		}
	}
}
