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

// FailurePolicy is what becomes of a VM that trapped.
type FailurePolicy uint8

const (
	// FailClosed answers 503 for ever.
	FailClosed FailurePolicy = iota
	// FailReload starts another VM with the next request, once the one that
	// trapped is older than ReloadBackoff; until then it answers 503.
	FailReload
)

// Config is what a gateway is made of.
type Config struct {
	Module       *Module
	PluginConfig []byte
	VMConfig     []byte
	Env          map[string]string // all that the module sees of the environment
	VMs          int               // 0: one for each CPU

	Upstream Cluster
	Clusters map[string]Cluster // by the names that dispatched calls use

	// AllowOnHeadersStopIteration lets body callbacks come while headers are
	// paused. Without it nothing is read until the module continues.
	AllowOnHeadersStopIteration bool
	BufferLimit                 int64 // bytes held for one direction; 0: 1 MiB
	HTTP1Trailers               bool  // read the trailers of HTTP/1.1, which are dropped otherwise
	Path                        PathOptions

	FailurePolicy     FailurePolicy
	ReloadBackoff     time.Duration // 0: 1 s
	StreamIdleTimeout time.Duration // 0: 5 min

	PluginName, RootID, VMID, RouteName string // properties

	Log    *slog.Logger // nil: discarded
	Access func(Record) // nil: none; called once for each request, after its end
}

// Record is a request for the access log.
type Record struct {
	ID, Method, Path, Host string
	Status                 int // 0: broken off before there was one
	Duration               time.Duration
	Flags                  string            // why the gateway itself answered, or ended it
	State                  map[string]string // what the module set by set_property
}

// Gateway is a module in front of an upstream. It is an http.Handler.
type Gateway struct {
	cfg      Config
	upstream http.RoundTripper
	clusters map[string]peer
	shared   shared
	metrics  metrics
	pieces   sync.Pool // of *[bodyPiece]byte

	slots  []*slot
	turn   atomic.Uint32
	mu     sync.Mutex
	closed bool
	active sync.WaitGroup
}

type peer struct {
	Cluster
	transport http.RoundTripper
}

// New starts the VMs. As Envoy does, it configures one on trial first, and
// throws it away.
//
// # Errors
//
//   - a cluster or the upstream has no usable URL
//   - the module refuses its configuration, traps or does not start: the error
//     has what the module logged, one line each
func New(ctx context.Context, cfg Config) (*Gateway, error) {
	if cfg.Module == nil {
		return nil, errors.New("gateway: no module")
	}
	cfg.complete()
	g := &Gateway{cfg: cfg, clusters: map[string]peer{}}
	g.pieces.New = func() any { return new([bodyPiece]byte) }
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
		g.slots = append(g.slots, &slot{gw: g, vm: v, born: time.Now()})
	}
	return g, nil
}

func (c *Config) complete() {
	if c.VMs <= 0 {
		c.VMs = runtime.GOMAXPROCS(0)
	}
	if c.BufferLimit <= 0 {
		c.BufferLimit = 1 << 20
	}
	if c.ReloadBackoff <= 0 {
		c.ReloadBackoff = time.Second
	}
	if c.StreamIdleTimeout <= 0 {
		c.StreamIdleTimeout = 5 * time.Minute
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// maxHeaders is Envoy's max_request_headers_kb, in bytes.
const maxHeaders = 60 << 10

// Server is an HTTP server for the gateway, over HTTP/1.1 and HTTP/2, the
// latter in cleartext too. The caller sets an address, or gives it a listener.
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

// Close refuses new requests, waits for those under way until ctx ends, and
// tells every plugin that it is to end. It returns ctx's error if it did not
// wait to the end.
func (g *Gateway) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	idle := make(chan struct{})
	go func() { g.active.Wait(); close(idle) }()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	for _, s := range g.slots {
		s.close(ctx)
	}
	return err
}
