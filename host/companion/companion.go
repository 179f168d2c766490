// Package companion answers what rules ask of databases and webhooks. The module
// sends the calls of a request in one POST /v1/calls and gets a reply to each;
// package wire says what keeps strangers out. It keeps no state but a cache.
package companion

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/wire"
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
	mux      *http.ServeMux

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup
}

// target is a database with what bounds its use.
type target struct {
	name        string
	db          Database
	collections []string
	slots       slots
}

// slots bound how many calls run at once.
type slots chan struct{}

func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s slots) free() { <-s }

// New prepares a companion. All faults of the configuration are in the error,
// none of them the unreachability of a target: that is /readyz's to tell.
func New(cfg Config) (*Companion, error) {
	c := &Companion{project: cfg.Project, keys: cfg.Keys, limits: cfg.Limits.withDefaults(), log: cfg.Log, targets: map[string]*target{}}
	if c.log == nil {
		c.log = slog.Default()
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
	if c.webhooks, err = newWebhooks(cfg.Webhooks, c.limits); err != nil {
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
	c.mux.HandleFunc("POST "+wire.Path, c.serveCalls)
	c.mux.HandleFunc("GET /healthz", c.serveHealth)
	c.mux.HandleFunc("GET /readyz", c.serveReady)
	return c, nil
}

func (c *Companion) addDatabase(s Source) error {
	if s.Name == "" || c.targets[s.Name] != nil {
		return errors.New("want a name of its own")
	}
	db, err := open(s, c.limits.Concurrency+1) // one for /readyz
	if err != nil {
		return err
	}
	c.targets[s.Name] = &target{name: s.Name, db: db, collections: s.Collections, slots: make(slots, c.limits.Concurrency)}
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

// run answers a call within ctx. failed is "" or what the module is told.
func (c *Companion) run(ctx context.Context, log *slog.Logger, x *call) (a answer, failed string) {
	a, err := c.guard(ctx, x)
	if err == nil {
		return a, ""
	}
	otherwise := databaseError
	if x.kind == "webhook" {
		otherwise = webhookError
	}
	said, id := phraseOf(err, otherwise), errorID()
	log.Warn("call failed", "error_id", id, "call", x.id, "kind", x.kind, "db", x.db, "col", x.col, "url", x.url, "said", string(said), "error", err.Error())
	return answer{}, string(said) + " (" + id + ")"
}

// guard makes a panic an error of the one call that met it.
func (c *Companion) guard(ctx context.Context, x *call) (a answer, err error) {
	defer rescue(&err)
	switch {
	case x.bad != nil:
		return a, &fault{phrase: badCall, err: x.bad}
	case x.kind == "query":
		return c.query(ctx, x)
	}
	return c.webhook(ctx, x)
}

func rescue(err *error) {
	if r := recover(); r != nil {
		*err = faultf(internal, "panic: %v\n%s", r, debug.Stack())
	}
}

func (c *Companion) query(ctx context.Context, x *call) (answer, error) {
	t := c.targets[x.db]
	switch {
	case t == nil:
		return answer{}, faultf(notConfigured, "no database %q", x.db)
	case !slices.Contains(t.collections, x.col) && !slices.Contains(t.collections, "*"):
		return answer{}, faultf(notConfigured, "%q may not be queried in %q", x.col, x.db)
	}
	q := Query{Table: x.col, Where: x.where, Columns: x.columns, Bytes: c.limits.Bytes, Limit: min(or(x.limit, c.limits.Rows), c.limits.Rows)}
	return c.shared(ctx, x, x.key(q.Limit), func(ctx context.Context) (answer, error) {
		if err := t.slots.take(ctx); err != nil {
			return answer{}, err
		}
		defer t.slots.free()
		rows, err := t.db.Query(ctx, q)
		if ctx.Err() != nil && err != nil {
			err = ctx.Err() // drivers have words of their own for it
		}
		return answer{rows: rows}, err
	})
}

func (c *Companion) webhook(ctx context.Context, x *call) (answer, error) {
	post, err := c.webhooks.prepare(x)
	if err != nil {
		return answer{}, err
	}
	if x.cache == 0 {
		return post(ctx) // each POST may have consequences
	}
	return c.shared(ctx, x, x.key(0), post)
}

// shared runs f once for equal calls at a time, and not at all while an answer is
// young enough for x.
func (c *Companion) shared(ctx context.Context, x *call, key string, f func(context.Context) (answer, error)) (answer, error) {
	if x.cache > 0 {
		if a, ok := c.cache.find(key, x.cache); ok {
			return a, nil
		}
	}
	a, err := c.flights.do(ctx, key, func(ctx context.Context) (a answer, err error) {
		defer rescue(&err)
		ctx, cancel := context.WithTimeout(ctx, c.limits.Timeout)
		defer cancel()
		at := time.Now()
		a, err = f(ctx)
		a.at = at
		return a, err
	})
	if err == nil && x.cache > 0 && a.status < 500 {
		c.cache.keep(key, a)
	}
	return a, err
}

// key is the same for calls that may share an answer, and for no others. What is
// minted anew for each POST is not in it; what it was minted from is.
func (x *call) key(limit int) string {
	columns := rules.NullValue
	if x.columns != nil {
		list := make([]rules.Value, len(x.columns))
		for i, name := range x.columns {
			list[i] = rules.Str(name)
		}
		columns = rules.Arr(list...)
	}
	user := x.vary
	if user == "" {
		user = x.headers["Authorization"]
	}
	parts := []rules.Value{
		rules.Str(x.kind), rules.Str(x.db), rules.Str(x.col), columns, rules.Int(int64(limit)),
		rules.Str(x.url), rules.Str(user),
	}
	for _, v := range []rules.Value{x.find, x.body} {
		if v.Kind() == rules.Missing {
			v = rules.Arr() // no find and no JSON null: neither is an array
		}
		parts = append(parts, rules.Arr(v))
	}
	return rules.Arr(parts...).String()
}

func errorID() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
