// Package companion answers what rules ask of databases and webhooks. The module
// sends the calls of a request in one POST /v1/calls and gets a reply to each;
// package wire says what keeps strangers out. It keeps no state but a cache.
package companion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/rulegate/rulegate/rules/wire"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Companion is an http.Handler for /v1/calls, /healthz and /readyz.
type Companion struct {
	project  string
	keys     wire.Keys
	limits   Limits
	log      *slog.Logger
	targets  map[string]*target // databases by name
	webhooks *webhooks
	flights  flights
	cache    *cache
	intake   *intake
	metrics  *Metrics
	tracer   trace.Tracer
	mux      *http.ServeMux

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup
}

// target is a database with what bounds its use.
type target struct {
	*lane
	db          Database
	collections []string
}

// New prepares a companion. All faults of the configuration are in the error,
// none of them the unreachability of a target: that is /readyz's to tell.
func New(cfg Config) (*Companion, error) {
	c := &Companion{project: cfg.Project, keys: cfg.Keys, limits: cfg.Limits.withDefaults(), log: cfg.Log, targets: map[string]*target{}}
	if c.log == nil {
		c.log = slog.Default()
	}
	if c.intake = cfg.intake; c.intake == nil {
		c.intake = newIntake(c.limits)
	}
	if c.tracer = cfg.Tracer; c.tracer == nil {
		c.tracer = noop.NewTracerProvider().Tracer("")
	}
	if c.metrics = cfg.Metrics; c.metrics == nil {
		c.metrics = NewMetrics()
	}
	var faults []error
	if c.keys.Empty() {
		faults = append(faults, errors.New("keys: want a secret that module and companion share"))
	}
	for i, s := range cfg.Databases {
		if err := c.addDatabase(s); err != nil {
			faults = append(faults, fmt.Errorf("databases[%d] %q: %w", i, s.Name, err))
		}
	}
	var err error
	if c.webhooks, err = newWebhooks(cfg, c.limits, c.log); err != nil {
		faults = append(faults, err)
	}
	if c.cache, err = newCache(c.limits.Cache); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		c.closeTargets()
		return nil, errors.Join(faults...)
	}
	c.mux = http.NewServeMux()
	c.mux.HandleFunc("POST "+wire.Path, c.metrics.counted(c.serveCalls))
	c.mux.HandleFunc("GET /healthz", c.serveHealth)
	c.mux.HandleFunc("GET /readyz", c.serveReady)
	return c, nil
}

func (c *Companion) addDatabase(s Source) error {
	if s.Name == "" || c.targets[s.Name] != nil {
		return errors.New("want a name of its own")
	}
	l := newLane(s.Name, s.Pool, c.limits, c.log)
	db, err := open(s, cap(l.slots)+1) // one for /readyz
	if err != nil {
		return err
	}
	c.targets[s.Name] = &target{lane: l, db: db, collections: s.Collections}
	return nil
}

// Close waits for the requests that are being answered, until ctx ends, refuses
// new ones, and closes the targets.
func (c *Companion) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.running.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("calls are still running: %w", ctx.Err())
	}
	return errors.Join(err, c.closeTargets())
}

func (c *Companion) closeTargets() error {
	var faults []error
	for _, t := range c.targets {
		faults = append(faults, t.db.Close())
	}
	if c.webhooks != nil {
		c.webhooks.transport.CloseIdleConnections()
	}
	return errors.Join(faults...)
}

// begin says whether a request may be served; the caller calls running.Done then.
func (c *Companion) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.running.Add(1)
	}
	return !c.closing
}
