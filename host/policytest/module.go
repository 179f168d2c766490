//go:build !js

package policytest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// Module is a Runner that decides in the module, on the embedded gateway or in another
// proxy. It runs one case at a time.
type Module struct {
	suite     *Suite
	proxy     http.Handler     // that the module runs in
	gateway   *gateway.Gateway // nil: in another proxy, whose clock is its own
	trusted   *simulate.TrustedKey
	companion http.Handler // the real one; nil: the data of the tests

	now atomic.Pointer[Case] // the case that runs

	mu       sync.Mutex // guards the fields below, which are of that case
	decision string
	got      *simulate.Result
	err      error
}

// maxBody bounds the bodies that the gateway passes on, in bytes.
const maxBody = 256 << 20

// NewModule starts the module with the policy of a suite. companion answers the calls; nil:
// the data of the tests does.
func NewModule(ctx context.Context, s *Suite, module *gateway.Module, companion http.Handler) (*Module, error) {
	m := &Module{suite: s, trusted: simulate.NewTrustedKey(), companion: companion}
	text, err := m.policy()
	if err != nil {
		return nil, err
	}
	clusters := map[string]gateway.Cluster{s.Policy.Companion.Cluster: {Handler: http.HandlerFunc(m.serveCalls)}}
	for _, k := range s.Policy.JWKS {
		clusters[k.Cluster] = gateway.Cluster{Handler: http.NotFoundHandler()} // key sets are not fetched in tests
	}
	m.gateway, err = gateway.New(ctx, gateway.Config{
		Module: module, PluginConfig: []byte(text), VMs: 1, Clusters: clusters,
		Upstream:                    gateway.Cluster{Handler: http.HandlerFunc(m.serveUpstream)},
		AllowOnHeadersStopIteration: true,
		BufferLimit:                 int64(envoyconf.BufferLimit(s.Policy.Limits.RequestBody, s.Policy.Limits.ResponseBody)),
		Route:                       gateway.RoutesOf(s.Policy),
		Path:                        gateway.PathOptions{AllowEscapedSlashes: s.Policy.KeepsSlashes()},
		FailurePolicy:               gateway.FailReload,
		StreamIdleTimeout:           10 * time.Second,
		PluginName:                  "rulegate", RootID: "rulegate", VMID: "rulegate",
		Now:    m.time,
		Log:    slog.New(slog.DiscardHandler),
		Access: m.logged,
	})
	m.proxy = m.gateway
	return m, err
}

// policy is the policy as the module gets it. It trusts the tokens of the cases.
func (m *Module) policy() (string, error) {
	s := m.suite
	doc := s.PolicyFile.Doc
	if doc.Key("gateway").Kind() == value.Missing {
		doc = doc.With("gateway", value.Str(s.Policy.Gateway))
	}
	text, _, err := envoyconf.ForModule(m.trusted.ExtendDocument(doc, s.Policy), envoyconf.Expansion{Inline: true, Getenv: s.Getenv, ReadFile: s.PolicyFile.ReadFile})
	return text, err
}

// Backend has the policy and the servers for a proxy that decides the cases of a suite.
type Backend struct {
	Policy    string       // for the module, as envoyconf.ForModule writes it
	Upstream  http.Handler // gets the requests that are let through
	Companion http.Handler // answers the calls
}

// NewProxied returns a Module for another proxy than the embedded gateway. Serve says
// where it is, once it has started with the Backend.
func NewProxied(s *Suite) (*Module, Backend, error) {
	m := &Module{suite: s, trusted: simulate.NewTrustedKey()}
	text, err := m.policy()
	return m, Backend{text, http.HandlerFunc(m.serveUpstream), http.HandlerFunc(m.serveCalls)}, err
}

// Serve gives the requests of the cases to a proxy.
func (m *Module) Serve(proxy http.Handler) { m.proxy = proxy }

// Close implements Runner.
func (m *Module) Close() error {
	if m.gateway == nil {
		return nil // who has started the proxy ends it
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return m.gateway.Close(ctx)
}

// time is the module's clock: that of the case.
func (m *Module) time() time.Time {
	if c := m.now.Load(); c != nil && m.gateway != nil {
		return c.request.Now
	}
	return time.Now()
}

// Traced implements Runner. The module tells nothing of clauses, so the rules are
// evaluated without it.
func (m *Module) Traced(c *Case, t rules.Tracer) (*simulate.Result, error) {
	if m.companion != nil {
		return nil, errLive
	}
	return NewNative(m.suite.Policy, 0).Traced(c, t)
}

// Reasons implements Runner: the module writes reasons to its log alone.
func (m *Module) Reasons() bool { return false }

// Decide implements Runner.
func (m *Module) Decide(c *Case) (got *simulate.Result, err error) {
	if peer := c.request.Peer; peer.Key("subject").Kind() != value.Missing || peer.Key("sha256").Kind() != value.Missing {
		return nil, &SkipError{"peer: the subject and the SHA-256 of a certificate are not simulated for the module"}
	}
	r, err := m.request(c)
	if err != nil {
		return nil, err
	}
	if m.companion != nil && c.fails() {
		return nil, errLive
	}
	m.now.Store(c)
	m.mu.Lock()
	m.decision, m.err, m.got = "", nil, &simulate.Result{Outcome: decide.Yes}
	m.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			got, err = nil, fmt.Errorf("the proxy broke the response off: %v", p)
		}
	}()
	rec := httptest.NewRecorder()
	m.proxy.ServeHTTP(rec, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	m.result(c, rec)
	return m.got, nil
}

// logged is told of the request's end.
func (m *Module) logged(r gateway.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.decision = r.State["rulegate.decision"]
}

// fail ends the case with an error.
func (m *Module) fail(where string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = fmt.Errorf("%s: %w", where, err)
}

func hostOf(q *simulate.Request) string {
	if q.Host == "" {
		return simulate.DefaultHost
	}
	return q.Host
}

func pathOf(q *simulate.Request) string {
	path, _, _ := strings.Cut(q.Target, "?")
	return path
}

// headersOf lists header fields, with names in lower case.
func headersOf(h http.Header) (out [][2]string) {
	for name, values := range h {
		for _, v := range values {
			out = append(out, [2]string{strings.ToLower(name), v})
		}
	}
	return out
}

// serveUpstream keeps the request, and answers with the response of the case.
func (m *Module) serveUpstream(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		m.fail("upstream", err)
		return
	}
	m.mu.Lock()
	m.got.Upstream = &simulate.Forwarded{Method: r.Method, Target: r.RequestURI, Headers: headersOf(r.Header), Body: string(body)}
	m.mu.Unlock()
	resp := m.now.Load().request.Response
	if resp == nil {
		resp = &simulate.Response{Status: http.StatusOK}
	}
	for _, h := range resp.Headers {
		w.Header().Add(h[0], h[1])
	}
	if resp.Body != "" && len(w.Header()["Content-Length"]) == 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(resp.Body)))
	}
	w.WriteHeader(resp.Status)
	io.WriteString(w, resp.Body) // the gateway may have left, and the client has its answer
}

// serveCalls takes the companion's place: it keeps the calls, and answers them.
func (m *Module) serveCalls(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		m.fail("companion", err)
		return
	}
	keys := wire.DeriveKeys(m.suite.Policy.Companion.Secrets...)
	signature := r.Header.Get("authorization")
	calls, err := readCalls(string(body))
	if err == nil {
		err = keys.Check(m.suite.Policy.Project, signature, body, m.time())
	}
	if err != nil {
		m.fail("companion", err)
		return
	}
	m.mu.Lock()
	batch := len(m.got.Calls)
	for _, c := range calls {
		m.got.Calls = append(m.got.Calls, simulate.Call{Call: c, Batch: batch})
	}
	m.mu.Unlock()
	if m.companion != nil {
		// With a signature of this moment: its clock is not that of the test.
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("authorization", keys.Sign(m.suite.Policy.Project, body, time.Now()))
		recorded := httptest.NewRecorder()
		m.companion.ServeHTTP(recorded, r)
		answer := recorded.Body.Bytes()
		if keys.CheckSeal(r.Header.Get("authorization"), answer, recorded.Header().Get(wire.SealHeader)) == nil {
			w.Header().Set(wire.SealHeader, keys.Seal(signature, answer))
		}
		w.WriteHeader(recorded.Code)
		w.Write(answer)
		return
	}
	replies, err := m.now.Load().answers.Answer(calls)
	if err != nil {
		m.fail("companion", err)
		return
	}
	answer := repliesText(calls, replies)
	w.Header().Set("content-type", "application/json")
	w.Header().Set(wire.SealHeader, keys.Seal(signature, answer))
	w.Write(answer)
}
