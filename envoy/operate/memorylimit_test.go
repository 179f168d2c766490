package operate

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// memoryPolicy has room for one body of 1 KiB, which takes three times its length
// while the rule reads it, and for 98 bytes of another one.
const memoryPolicy = `
limits: {requestBody: 1KiB, responseBody: 1KiB, memory: 3170, bodyTimeout: 1m}
routes:
  - {match: {methods: [POST], path: /reads}, auth: none, rule: {rule: match, type: number, eval: "==", f1: args.params.ok, f2: 1}}
  - {match: {methods: [GET], path: "/masks/{n}"}, auth: none, rule: {rule: remove, fields: [res.ok]}}
  - {match: {path: /open}, rule: {rule: allow}}
`

// okOf returns an object of n bytes.
func okOf(n int) string {
	const ok = `{"ok":1}`
	return ok[:len(ok)-1] + strings.Repeat(" ", n-len(ok)) + "}"
}

// TestMemoryLimitAtItsBorder tests that the body of a request or a response is decided
// if it fits into limits.memory beside the bytes that the VM holds, and refused with
// 503 if it is one byte too long.
func TestMemoryLimitAtItsBorder(t *testing.T) {
	up := harness.NewUpstream(t)
	for n := 1000; n <= 1024; n++ {
		up.Respond(fmt.Sprint("masks-", n), &harness.UpstreamResponse{Status: 200, Headers: [][2]string{{"content-type", jsonType}}, Body: okOf(n)})
	}
	b := harness.NewBootstrap(t, up.URL)
	b.Workers = 1
	b.AddPolicy(t, "memory", memoryPolicy, "")
	p := b.Start(t)
	p.Ready(t)
	embedded := harness.Gateway{Case: &harness.Case{Name: "memory", Policy: memoryPolicy}, Module: harness.LoadModule(t), Upstream: up}.Start(t)
	for host, at := range map[string]string{"Envoy": p.Listeners(t)["memory"], "gateway": embedded} {
		t.Run(host, func(t *testing.T) { memoryBorder(t, at) })
	}
}

func memoryBorder(t *testing.T, at string) {
	// status sends a request whose body, or whose response's body, has n bytes.
	status := func(method string, n int) int {
		t.Helper()
		r, id := &harness.Request{Method: "GET", Target: fmt.Sprint("/masks/", n)}, fmt.Sprint("masks-", n)
		if method == "POST" {
			r = &harness.Request{Method: "POST", Target: "/reads", Headers: [][2]string{{"content-type", jsonType}}, Body: okOf(n)}
			id = "reads"
		}
		answer, err := harness.Send(at, r, id)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Status
	}
	for _, method := range []string{"POST", "GET"} {
		if got := status(method, 1024); got != http.StatusOK {
			t.Errorf("%s alone: want 200, found %d", method, got)
		}
	}
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /reads HTTP/1.1\r\nhost: shop.example\r\ncontent-type: %s\r\ncontent-length: 1000\r\n\r\n", jsonType)
	held := 0
	// hold sends more of the body until n bytes are sent, and waits until the module
	// has them: then a body of over bytes does not fit any more.
	hold := func(n, over int) {
		t.Helper()
		fmt.Fprint(conn, strings.Repeat(" ", n-held))
		held = n
		for end := time.Now().Add(harness.RequestTimeout); status("POST", over) == http.StatusOK; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("a body of %d bytes still fits beside %d", over, n)
			}
		}
	}
	hold(101, 1024) // 3 × 1023 + 101 is exactly the limit
	for _, method := range []string{"POST", "GET"} {
		if got := status(method, 1023); got != http.StatusOK {
			t.Errorf("%s at the limit: want 200, found %d", method, got)
		}
		if got := status(method, 1024); got != http.StatusServiceUnavailable {
			t.Errorf("%s beyond the limit: want 503, found %d", method, got)
		}
	}
	hold(102, 1023)
	for _, method := range []string{"POST", "GET"} {
		if got := status(method, 1022); got != http.StatusOK {
			t.Errorf("%s below the limit: want 200, found %d", method, got)
		}
		if got := status(method, 1023); got != http.StatusServiceUnavailable {
			t.Errorf("%s one byte beyond the limit: want 503, found %d", method, got)
		}
	}
	if answer, err := harness.Send(at, &harness.Request{Method: "GET", Target: "/open"}, "open"); err != nil || answer.Status != http.StatusOK {
		t.Errorf("a request without a body: want 200, found %v, %v", answer, err)
	}
	conn.Close() // and its bytes are free again
	for end := time.Now().Add(harness.RequestTimeout); status("POST", 1024) != http.StatusOK; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the bytes of a request that has gone are still counted")
		}
	}
}
