package companion

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/host/companion/webhook"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// run answers a call until ctx ends. failed is "" or the failure that the module is
// told.
func (c *Companion) run(ctx context.Context, log *slog.Logger, x *call) (a target.Answer, failed string) {
	start := time.Now()
	defer func() { x.took = time.Since(start) }()
	ctx, span := c.startSpan(ctx, x)
	a, err := c.guard(ctx, x)
	if err == nil && !c.admission.reserve(int64(a.Size())) {
		err = errNoMemory
	}
	if err == nil {
		endSpan(span, a, "")
		c.metrics.called(x, "ok", time.Since(start))
		return a, ""
	}
	otherwise := failure.Database
	switch x.kind {
	case rules.Webhook:
		otherwise = failure.Webhook
	case rules.Introspect:
		otherwise = failure.Issuer
	}
	phrase := failure.PhraseOf(err, otherwise)
	endSpan(span, target.Answer{}, phrase)
	c.metrics.called(x, string(phrase), time.Since(start))
	if phrase.NotTried() {
		return target.Answer{}, string(phrase)
	}
	id := newErrorID()
	log.Warn("call failed", "error_id", id, "call", x.id, "kind", kindLabel(x.kind), "target", x.target(), "said", string(phrase), "error", err.Error())
	return target.Answer{}, string(phrase) + " (" + id + ")"
}

var errNoMemory = failure.Errorf(failure.Busy, "the answers in flight hold too many bytes")

// guard turns a panic into the failure of this one call.
func (c *Companion) guard(ctx context.Context, x *call) (a target.Answer, err error) {
	defer failure.Recover(&err)
	switch {
	case x.malformed != nil:
		return a, failure.New(failure.BadCall, x.malformed)
	case x.kind == rules.Query:
		return c.query(ctx, x)
	case x.kind == rules.Introspect:
		return c.introspect(ctx, x)
	}
	return c.webhook(ctx, x)
}

// target names the target in logs and spans: of a URL only the host, because the rest
// may hold a secret.
func (x *call) target() string {
	if x.kind == rules.Query {
		return x.db + "." + x.col
	}
	u, err := url.Parse(x.url)
	if err != nil {
		return ""
	}
	return u.Host
}

func (c *Companion) query(ctx context.Context, x *call) (target.Answer, error) {
	d := c.databases[x.db]
	switch {
	case d == nil:
		return target.Answer{}, failure.Errorf(failure.NotConfigured, "no database %q", x.db)
	case !slices.Contains(d.collections, x.col) && !slices.Contains(d.collections, "*"):
		return target.Answer{}, failure.Errorf(failure.NotConfigured, "%q may not be queried in %q", x.col, x.db)
	}
	x.pool = d.Name()
	q := query.Query{Table: x.col, Where: x.where, Columns: x.columns, Bytes: c.limits.Bytes, Limit: min(or(x.limit, c.limits.Rows), c.limits.Rows)}
	deadline, _ := ctx.Deadline()
	return c.shared(ctx, x, x.key(q.Limit), func(ctx context.Context) (target.Answer, error) {
		return d.Do(ctx, deadline, func(ctx context.Context) (target.Answer, error) {
			rows, err := d.db.Query(ctx, q)
			return target.Answer{Rows: rows}, err
		})
	})
}

func (c *Companion) webhook(ctx context.Context, x *call) (target.Answer, error) {
	pool, post, err := c.webhooks.Prepare(webhook.Call{URL: x.url, Gateway: x.gateway, Token: x.token, Claims: x.claims, Headers: x.headers, Body: x.body.String()})
	if err != nil {
		return target.Answer{}, err
	}
	x.pool = pool.Name()
	deadline, _ := ctx.Deadline()
	run := func(ctx context.Context) (target.Answer, error) { return pool.Do(ctx, deadline, post) }
	if x.cache == 0 {
		return run(ctx) // not shared: each POST may have consequences
	}
	return c.shared(ctx, x, x.key(0), run)
}

// shared runs f once for equal calls at a time, and not at all when a cached answer is
// young enough.
func (c *Companion) shared(ctx context.Context, x *call, key string, f func(context.Context) (target.Answer, error)) (target.Answer, error) {
	if x.cache > 0 {
		a, ok := c.cache.find(key, x.cache)
		c.metrics.lookedUp(ok)
		if ok {
			return a, nil
		}
	}
	a, err := c.coalescer.Do(ctx, key, func(ctx context.Context) (target.Answer, error) {
		ctx, cancel := context.WithTimeout(ctx, c.limits.Timeout)
		defer cancel()
		start := time.Now()
		a, err := f(ctx)
		a.Begun = start
		return a, err
	})
	if err == nil && x.cache > 0 && !undecided(a.Status) {
		c.cache.keep(key, a)
	}
	return a, err
}

// undecided reports whether a webhook's status says nothing of the request, so that
// the next call has to ask again.
func undecided(status int) bool { return status >= 300 && !rules.Refuses(status) }

// key is equal for calls that may share an answer, and for no others. Claims stand for
// the token that is signed of them, which differs each time.
func (x *call) key(limit int) string {
	columns := value.NullValue
	if x.columns != nil {
		list := make([]value.Value, len(x.columns))
		for i, name := range x.columns {
			list[i] = value.Str(name)
		}
		columns = value.Arr(list...)
	}
	parts := []value.Value{
		value.Str(x.kind.String()), value.Str(x.db), value.Str(x.col), columns, value.Int(int64(limit)),
		value.Str(x.url), value.Str(x.token),
	}
	headers := slices.Clone(x.headers)
	slices.SortFunc(headers, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	for _, h := range headers {
		parts = append(parts, value.Str(h[0]), value.Str(h[1]))
	}
	for _, v := range []value.Value{x.find, x.body, x.claims} {
		if v.Kind() == value.Missing {
			v = value.Arr() // unlike null; find and claims are never an array, and a webhook has a body
		}
		parts = append(parts, value.Arr(v))
	}
	return value.Arr(parts...).String()
}

func newErrorID() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
