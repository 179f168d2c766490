// Package companion answers the calls of rules to databases and webhooks, and asks the
// issuers of opaque tokens. The module sends all calls of a request, or the queries of
// several, in one POST /v1/calls and gets a reply to each; package wire authenticates both directions. Its
// only state is a cache.
//
//	server → admission → protocol → calls → cache → target.Coalescer → target.Pool → query.Database or webhook.Client
//
// The folders below never import this package:
//
//	failure   why a call failed: a phrase for the module, details for the log
//	target    shared by all targets: pool, breaker, coalescing
//	webhook   hosts that may be called
//	query     conditions, their meaning, their translation, and the Database interface
//	sqldb     the parts that SQL databases share; below it sqlite, postgres, mysql
//	mongo     MongoDB
//	dbtest    real database servers, and the tests that all databases pass
package companion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/host/companion/webhook"
	"github.com/rulegate/rulegate/rules/wire"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Companion is an http.Handler for /v1/calls, /healthz and /readyz.
type Companion struct {
	project   string
	version   string
	keys      wire.Keys
	limits    Limits
	log       *slog.Logger
	databases map[string]*database // by name
	webhooks  *webhook.Client
	issuers   *webhook.Client
	secrets   map[Issuer]string // by an Issuer without its Secret
	coalescer target.Coalescer
	cache     *cache
	admission *admission
	metrics   *Metrics
	tracer    trace.Tracer
	decisions *Decisions // nil: none
	mux       *http.ServeMux

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup // requests; Add only under mu and before closing
}

// database is a database with its pool and the collections that may be queried.
type database struct {
	*target.Pool
	db          query.Database
	collections []string
}

// New prepares a companion. The error holds all faults of the configuration. A target
// that cannot be reached is not one of them: /readyz reports it.
func New(cfg Config) (*Companion, error) {
	c := &Companion{
		project: cfg.Project, version: cfg.Version, keys: cfg.Keys, limits: cfg.Limits.withDefaults(), log: cfg.Log, admission: cfg.admission,
		tracer: cfg.Tracer, decisions: cfg.Decisions, metrics: cfg.Metrics, databases: map[string]*database{},
	}
	c.fillIn()
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
	if c.webhooks, err = webhook.New(c.webhookConfig(cfg)); err != nil {
		faults = append(faults, err)
	}
	if err := c.addIssuers(cfg); err != nil {
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

// fillIn sets the parts that the configuration leaves out.
func (c *Companion) fillIn() {
	if c.log == nil {
		c.log = slog.Default()
	}
	if c.admission == nil {
		c.admission = newAdmission(c.limits)
	}
	if c.tracer == nil {
		c.tracer = noop.NewTracerProvider().Tracer("")
	}
	if c.metrics == nil {
		c.metrics = NewMetrics()
	}
}

func (c *Companion) webhookConfig(cfg Config) webhook.Config {
	size, queue := cfg.WebhookPool.withDefaults(c.limits)
	return webhook.Config{Hosts: cfg.Webhooks, TLS: cfg.WebhookTLS, Size: size, Queue: queue, MaxBytes: c.limits.Bytes, Keys: cfg.Tokens, Log: c.log}
}

func (c *Companion) addDatabase(s Source) error {
	if s.Name == "" || c.databases[s.Name] != nil {
		return errors.New("want a name that no other database has")
	}
	size, queue := s.Pool.withDefaults(c.limits)
	db, err := open(s, size+1) // one connection for /readyz
	if err != nil {
		return err
	}
	c.databases[s.Name] = &database{Pool: target.NewPool(s.Name, size, queue, c.log), db: db, collections: s.Collections}
	return nil
}

// Close refuses new requests, waits for the running ones until ctx ends, and closes
// the targets.
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
	for _, d := range c.databases {
		faults = append(faults, d.db.Close())
	}
	for _, client := range []*webhook.Client{c.webhooks, c.issuers} {
		if client != nil {
			client.Close()
		}
	}
	return errors.Join(faults...)
}

// begin reports whether a request may be served. If so, the caller calls
// running.Done at its end.
func (c *Companion) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.running.Add(1)
	}
	return !c.closing
}
