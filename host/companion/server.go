package companion

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/record"
	"github.com/rulegate/rulegate/rules/wire"
)

func (c *Companion) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.begin() {
		refuse(w, http.StatusServiceUnavailable, "shutting down")
		return
	}
	defer c.running.Done()
	c.mux.ServeHTTP(w, r)
}

func (c *Companion) serveCalls(w http.ResponseWriter, r *http.Request) {
	e, group := c.entry(r.Context(), r.Header), time.Duration(0)
	defer func() {
		if group == 0 { // else each call has a line of its own
			c.decided(e)
		}
	}()
	if !c.admission.enter() {
		c.shed(w, e, "requests")
		return
	}
	defer c.admission.leave()
	log := c.logFor(r.Header)
	authorization := r.Header.Get("Authorization")
	if len(r.Header.Values("Authorization")) != 1 {
		unauthorized(w, e, log, errors.New("want one header Authorization"))
		return
	}
	signature, err := c.keys.Read(c.project, authorization, time.Now())
	if err != nil {
		unauthorized(w, e, log, err)
		return
	}
	size := c.limits.Request
	if r.ContentLength >= 0 {
		size = min(size, r.ContentLength)
	}
	if !c.admission.reserve(size) {
		c.shed(w, e, "bytes")
		return
	}
	defer c.admission.release(size)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, c.limits.Request))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refused(e, decide.Invalid, http.StatusRequestEntityTooLarge, "body too large")
		refuse(w, http.StatusRequestEntityTooLarge, "body too large")
		return
	case err != nil:
		refused(e, decide.Invalid, http.StatusBadRequest, "body broke off")
		refuse(w, http.StatusBadRequest, "body broke off")
		return
	case !signature.Covers(body):
		unauthorized(w, e, log, errors.New("signature: of another body"))
		return
	}
	var calls []*call
	calls, group, err = decodeCalls(string(body), c.limits)
	if err != nil {
		log.Warn("request refused", "error", err.Error())
		refused(e, decide.Invalid, http.StatusBadRequest, "malformed calls")
		refuse(w, http.StatusBadRequest, "malformed calls")
		return
	}
	if group > 0 {
		c.replyToGroup(w, r, calls, group)
		return
	}
	c.reply(w, r, e, log, calls)
}

// logFor returns a log with the request's id.
func (c *Companion) logFor(h http.Header) *slog.Logger {
	id := h.Get("x-request-id")
	return c.log.With("request_id", id[:min(len(id), 128)])
}

// reply runs the calls and writes the sealed replies.
func (c *Companion) reply(w http.ResponseWriter, r *http.Request, e *record.Entry, log *slog.Logger, calls []*call) {
	ctx, span, log := c.traced(r.Context(), r.Header, log)
	defer span.End()
	ctx, cancel := context.WithTimeout(ctx, c.timeout(r.Header))
	defer cancel()
	reply, reserved := c.runAll(ctx, e, log, calls)
	defer c.admission.release(reserved)
	c.seal(w, r, reply)
}

func (c *Companion) seal(w http.ResponseWriter, r *http.Request, reply []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(wire.SealHeader, c.keys.Seal(r.Header.Get("Authorization"), reply))
	w.Write(reply) // an error means that the client is gone, so nobody can be told
}

// shed refuses a request for lack of room. Without a seal the module counts the answer
// as a failure of its calls.
func (c *Companion) shed(w http.ResponseWriter, e *record.Entry, reason string) {
	refused(e, decide.Failed, http.StatusServiceUnavailable, tooMuch)
	c.metrics.shed.WithLabelValues(reason).Inc()
	refuse(w, http.StatusServiceUnavailable, "too much at once")
}

// runAll runs the calls side by side and returns the replies, in order. A call that
// has not ended when ctx ends fails; the others keep their answers. reserved is the
// number of bytes that the answers reserved from admission.
func (c *Companion) runAll(ctx context.Context, e *record.Entry, log *slog.Logger, calls []*call) (reply []byte, reserved int64) {
	received := time.Now()
	answers, failed := make([]target.Answer, len(calls)), make([]string, len(calls))
	var wait sync.WaitGroup
	for i, x := range calls {
		run := func() { answers[i], failed[i] = c.run(ctx, log, x) }
		if i == len(calls)-1 {
			run() // most requests have one call, which needs no goroutine
		} else {
			wait.Go(run)
		}
	}
	wait.Wait()
	out := []byte(`{"replies":[`)
	total := 0
	for i, x := range calls {
		reserved += int64(answers[i].Size())
		if total += answers[i].Size(); total > c.limits.Reply {
			log.Warn("reply too large", "call", x.id, "bytes", total)
			answers[i], failed[i] = target.Answer{}, string(failure.TooLarge)
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = appendReply(out, x.id, answers[i], failed[i], x.cache > 0, received)
	}
	if c.decisions != nil {
		addCalls(e, calls, failed)
	}
	return append(out, `]}`...), reserved
}

// timeout returns the time that the calls have: the shortest of our limit and of the
// times that the module and Envoy say they wait, less a twentieth for the way back.
func (c *Companion) timeout(h http.Header) time.Duration {
	d := c.limits.Timeout
	for _, name := range []string{wire.TimeoutHeader, "x-envoy-expected-rq-timeout-ms"} {
		ms, err := strconv.ParseInt(h.Get(name), 10, 32)
		if err == nil && ms > 0 {
			d = min(d, time.Duration(ms)*time.Millisecond*19/20)
		}
	}
	return d
}

func unauthorized(w http.ResponseWriter, e *record.Entry, log *slog.Logger, err error) {
	refused(e, decide.BadToken, http.StatusUnauthorized, "not signed by the module")
	log.Warn("request refused", "error", err.Error())
	w.Header().Set("WWW-Authenticate", "Rulegate2")
	w.Header().Set("Connection", "close") // else the server reads the rest of the body first
	refuse(w, http.StatusUnauthorized, "unauthorized")
}

func refuse(w http.ResponseWriter, status int, message string) {
	respond(w, status, map[string]string{"error": message})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// serveHealth answers that the process runs.
func (c *Companion) serveHealth(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, map[string]bool{"healthy": true})
}

// readyTimeout is the time that /readyz gives all databases.
const readyTimeout = 2 * time.Second

// serveReady pings each database; 503 when one does not answer. It does not try webhook
// hosts, because a POST may have consequences.
func (c *Companion) serveReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	var mu sync.Mutex
	var wait sync.WaitGroup
	state, status := map[string]string{}, http.StatusOK
	for _, d := range c.databases {
		wait.Go(func() {
			err := c.ping(ctx, d)
			mu.Lock()
			defer mu.Unlock()
			state[d.Name()] = "ready"
			if err != nil {
				state[d.Name()], status = "failed", http.StatusServiceUnavailable
				c.log.Warn("not ready", "db", d.Name(), "error", err.Error())
			}
		})
	}
	wait.Wait()
	respond(w, status, readiness{status == http.StatusOK, state, c.version})
}

// readiness is the answer of /readyz.
type readiness struct {
	Ready   bool              `json:"ready"`
	Targets map[string]string `json:"targets"`
	Policy  string            `json:"policy,omitempty"` // its version
}

// ping is shared by concurrent requests, because anyone may send them.
func (c *Companion) ping(ctx context.Context, d *database) error {
	_, err := c.coalescer.Do(ctx, "ping "+d.Name(), func(ctx context.Context) (target.Answer, error) {
		return target.Answer{}, d.db.Ping(ctx)
	})
	return err
}
