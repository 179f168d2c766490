package companion

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/url"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// run answers a call within ctx. failed is "" or what the module is told.
func (c *Companion) run(ctx context.Context, log *slog.Logger, x *call) (a answer, failed string) {
	at := time.Now()
	ctx, span := c.span(ctx, x)
	a, err := c.guard(ctx, x)
	if err == nil && !c.intake.take(int64(a.size())) {
		err = errBusy
	}
	if err == nil {
		end(span, a, "")
		c.metrics.answered(x, "ok", time.Since(at))
		return a, ""
	}
	otherwise := databaseError
	if x.kind == "webhook" {
		otherwise = webhookError
	}
	said, id := phraseOf(err, otherwise), errorID()
	end(span, answer{}, said)
	c.metrics.answered(x, string(said), time.Since(at))
	if said == busy || said == unavailable {
		return answer{}, string(said)
	}
	log.Warn("call failed", "error_id", id, "call", x.id, "kind", x.kind, "target", x.target(), "said", string(said), "error", err.Error())
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

// target is what the log calls the other end; of a URL the host alone, since the
// rest may hold a secret.
func (x *call) target() string {
	if x.kind == "query" {
		return x.db + "." + x.col
	}
	u, err := url.Parse(x.url)
	if err != nil {
		return ""
	}
	return u.Host
}

func rescue(err *error) {
	if r := recover(); r != nil {
		*err = panicked(r)
	}
}

func panicked(r any) error { return faultf(internal, "panic: %v\n%s", r, debug.Stack()) }

func (c *Companion) query(ctx context.Context, x *call) (answer, error) {
	t := c.targets[x.db]
	switch {
	case t == nil:
		return answer{}, faultf(notConfigured, "no database %q", x.db)
	case !slices.Contains(t.collections, x.col) && !slices.Contains(t.collections, "*"):
		return answer{}, faultf(notConfigured, "%q may not be queried in %q", x.col, x.db)
	}
	x.lane = t.name
	q := Query{Table: x.col, Where: x.where, Columns: x.columns, Bytes: c.limits.Bytes, Limit: min(or(x.limit, c.limits.Rows), c.limits.Rows)}
	deadline, _ := ctx.Deadline()
	return c.shared(ctx, x, x.key(q.Limit), func(ctx context.Context) (answer, error) {
		return t.do(ctx, deadline, func(ctx context.Context) (answer, error) {
			rows, err := t.db.Query(ctx, q)
			return answer{rows: rows}, err
		})
	})
}

func (c *Companion) webhook(ctx context.Context, x *call) (answer, error) {
	l, post, err := c.webhooks.prepare(x)
	if err != nil {
		return answer{}, err
	}
	x.lane = l.name
	deadline, _ := ctx.Deadline()
	run := func(ctx context.Context) (answer, error) { return l.do(ctx, deadline, post) }
	if x.cache == 0 {
		return run(ctx) // each POST may have consequences
	}
	return c.shared(ctx, x, x.key(0), run)
}

// shared runs f once for equal calls at a time, and not at all while an answer is
// young enough for x.
func (c *Companion) shared(ctx context.Context, x *call, key string, f func(context.Context) (answer, error)) (answer, error) {
	if x.cache > 0 {
		a, ok := c.cache.find(key, x.cache)
		c.metrics.looked(ok)
		if ok {
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
	columns := value.NullValue
	if x.columns != nil {
		list := make([]value.Value, len(x.columns))
		for i, name := range x.columns {
			list[i] = value.Str(name)
		}
		columns = value.Arr(list...)
	}
	user := x.vary
	if user == "" {
		user = x.headers["Authorization"]
	}
	parts := []value.Value{
		value.Str(x.kind), value.Str(x.db), value.Str(x.col), columns, value.Int(int64(limit)),
		value.Str(x.url), value.Str(user),
	}
	for _, v := range []value.Value{x.find, x.body} {
		if v.Kind() == value.Missing {
			v = value.Arr() // no find and no JSON null: neither is an array
		}
		parts = append(parts, value.Arr(v))
	}
	return value.Arr(parts...).String()
}

func errorID() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
