package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// FailurePolicy says whether a VM that trapped is replaced.
type FailurePolicy uint8

const (
	// FailClosed never replaces it: requests for it get 503.
	FailClosed FailurePolicy = iota
	// FailReload starts a new VM with the next request, if the last start was
	// at least ReloadBackoff ago; until then requests get 503.
	FailReload
)

// Config configures a gateway.
type Config struct {
	Module       *Module
	PluginConfig []byte
	VMConfig     []byte
	Env          map[string]string // the module's whole environment
	VMs          int               // how many workers; 0: one for each CPU

	Upstream Cluster
	Clusters map[string]Cluster // for dispatched calls, by name

	// AllowOnHeadersStopIteration lets body callbacks run while headers are
	// paused. Without it no callback runs until the module continues.
	AllowOnHeadersStopIteration bool
	BufferLimit                 int64 // bytes held for a request or for a response; 0: 1 MiB
	MemoryLimit                 int64 // bytes of a VM's memory; beyond it the VM traps; 0: 1 GiB, as in Envoy's V8
	HTTP1Trailers               bool  // keep the trailers of HTTP/1.1 instead of dropping them
	Path                        PathOptions
	RemoveHeaders               []string // of requests, in lower case, before the module sees them
	// Route returns the settings for a request, whose path is normalized and may have
	// a query. Nil: all have the zero Route.
	Route func(method, host, path string) Route

	NoForeignFunctions bool // leave out verify_signature, as hosts other than Envoy do

	FailurePolicy     FailurePolicy
	ReloadBackoff     time.Duration // 0: 1 s
	StreamIdleTimeout time.Duration // of streams without a Route.Idle, and of those that the module holds; 0: 5 min

	PluginName, RootID, VMID, RouteName string // as properties show them

	// Now is the module's clock, which tests set. Nil: the machine's. Timeouts do not
	// depend on it.
	Now func() time.Time

	Log *slog.Logger // nil: discarded
	// Line is called for each line that the module logs. If it returns true, Log does
	// not get the line. Several VMs may call it at once; it must not wait. May be nil.
	Line   func(level slog.Level, text string) (taken bool)
	Access func(Record) // called once for each request, after its end; may be nil
}

// Record is a request's entry in the access log.
type Record struct {
	ID, Method, Path, Host string
	Status                 int // 0: the connection broke before there was one
	Duration               time.Duration
	Flags                  string            // why the gateway ended the request itself; else empty
	State                  map[string]string // filter state that the module set by proxy_set_property
}

// Gateway is a module in front of an upstream. It is an http.Handler.
type Gateway struct {
	cfg      Config
	upstream http.RoundTripper
	clusters map[string]peer
	data     sharedData
	queues   sharedQueues
	metrics  metrics
	pieces   sync.Pool // of *[pieceSize]byte

	workers []*worker
	turn    atomic.Uint32 // of the worker for the next stream
	mu      sync.Mutex
	closed  bool
	streams sync.WaitGroup
}

// peer is a cluster of dispatched calls.
type peer struct {
	Cluster
	transport http.RoundTripper
}

// New starts the workers' VMs. Like Envoy, it first configures a VM on trial,
// which it closes again.
//
// # Errors
//
//   - a cluster or the upstream has no usable URL
//   - the module refuses its configuration, traps or does not start: the error
//     ends with the lines that the module logged
func New(ctx context.Context, cfg Config) (*Gateway, error) {
	if cfg.Module == nil {
		return nil, errors.New("gateway: no module")
	}
	cfg.complete()
	g := &Gateway{cfg: cfg, clusters: map[string]peer{}}
	g.pieces.New = func() any { return new([pieceSize]byte) }
	var err error
	if g.upstream, err = cfg.Upstream.transport(maxHeaders); err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	for name, c := range cfg.Clusters {
		t, err := c.transport(maxHeaders)
		if err != nil {
			return nil, fmt.Errorf("cluster %q: %w", name, err)
		}
		g.clusters[name] = peer{c, t}
	}
	trial, err := newVM(g)
	if err != nil {
		return nil, err
	}
	trial.close()
	for range cfg.VMs {
		if err := ctx.Err(); err != nil {
			_ = g.Close(context.Background())
			return nil, err
		}
		v, err := newVM(g)
		if err != nil {
			_ = g.Close(context.Background())
			return nil, err
		}
		g.workers = append(g.workers, &worker{gw: g, vm: v, started: time.Now()})
	}
	return g, nil
}

// complete sets the defaults.
func (c *Config) complete() {
	if c.VMs <= 0 {
		c.VMs = runtime.GOMAXPROCS(0)
	}
	if c.BufferLimit <= 0 {
		c.BufferLimit = 1 << 20
	}
	if c.MemoryLimit <= 0 {
		c.MemoryLimit = 1 << 30
	}
	if c.ReloadBackoff <= 0 {
		c.ReloadBackoff = time.Second
	}
	if c.StreamIdleTimeout <= 0 {
		c.StreamIdleTimeout = 5 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// maxHeaders is Envoy's max_request_headers_kb, in bytes.
const maxHeaders = 60 << 10

// Server returns a server for HTTP/1.1 and HTTP/2, which is taken in cleartext
// too. The caller sets its address, or passes it a listener.
func (g *Gateway) Server() *http.Server {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: g, Protocols: p, MaxHeaderBytes: maxHeaders,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Hour,
		ErrorLog: slog.NewLogLogger(g.cfg.Log.Handler(), slog.LevelDebug),
	}
}

// Close refuses new requests, waits for the others until they or ctx end, and
// shuts the plugins down. It returns ctx's error if requests were still open.
func (g *Gateway) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	idle := make(chan struct{})
	go func() { g.streams.Wait(); close(idle) }()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	for _, w := range g.workers {
		w.close(ctx)
	}
	return err
}
