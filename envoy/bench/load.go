package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// request is the request that each contender gets. Several tokens take turns.
type request struct {
	method, path, body string
	tokens             []string
	more               map[string]string // headers
}

func get(tokens ...string) request { return request{method: http.MethodGet, path: "/", tokens: tokens} }

// load is a turn of a contender.
type load struct {
	address string
	request request
	clients int
	threads int // of wrk
	turn    time.Duration
	most    int // requests of a turn; 0: as many as fit into it. Only for our own generator
}

// sample is the result of a turn.
type sample struct {
	Requests int           `json:"requests"`
	Refused  int           `json:"refused"` // answers other than 200, and connections that broke
	Rate     float64       `json:"requestsPerSecond"`
	P50      time.Duration `json:"p50Nanoseconds"`
	P99      time.Duration `json:"p99Nanoseconds"`
	CPU      float64       `json:"cpuMicroseconds"`       // of Envoy, a request
	Helper   float64       `json:"helperCPUMicroseconds"` // of the process that Envoy asks, a request
}

// generator sends a load until the turn is over.
type generator func(ctx context.Context, dir string, l load) (sample, error)

// pick returns the generator of a name: wrk, own, or auto for wrk where it is installed.
func pick(name string) (string, generator, error) {
	_, err := exec.LookPath("wrk")
	switch {
	case name == "wrk" && err != nil:
		return "", nil, fmt.Errorf("wrk is not installed: install it (apt-get install wrk), or use -generator own")
	case name == "own" || name == "auto" && err != nil:
		return "own", generate, nil
	case name == "wrk" || name == "auto":
		return "wrk", wrk, nil
	}
	return "", nil, fmt.Errorf("-generator: want auto, wrk or own, found %q", name)
}

// ask sends one request and returns the status and the body of its answer.
func ask(ctx context.Context, address string, r request, token string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+address+r.path, strings.NewReader(r.body))
	if err != nil {
		return 0, "", err
	}
	for name, value := range r.headers(token) {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := readAll(resp.Body)
	return resp.StatusCode, text, err
}

func (r *request) headers(token string) map[string]string {
	h := map[string]string{"user-agent": "bench", "accept": "*/*"}
	if token != "" {
		h["authorization"] = "Bearer " + token
	}
	if r.body != "" {
		h["content-type"] = "application/json"
	}
	maps.Copy(h, r.more)
	return h
}

// wire returns the request as it is sent by HTTP/1.1.
func (r *request) wire(address, token string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nhost: %s\r\n", r.method, r.path, address)
	for name, value := range r.headers(token) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	if r.body != "" {
		b.WriteString("content-length: " + strconv.Itoa(len(r.body)) + "\r\n")
	}
	return b.String() + "\r\n" + r.body
}
