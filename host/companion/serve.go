package companion

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

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
	if !c.intake.enter() {
		c.shed(w, "requests")
		return
	}
	defer c.intake.leave()
	id := r.Header.Get("x-request-id")
	log := c.log.With("request_id", id[:min(len(id), 128)])
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || len(r.Header.Values("Authorization")) != 1 {
		unauthorized(w, log, errors.New("want one Authorization: Bearer"))
		return
	}
	bound, err := c.keys.ReadToken(c.project, token, time.Now())
	if err != nil {
		unauthorized(w, log, err)
		return
	}
	room := c.limits.Request
	if r.ContentLength >= 0 {
		room = min(room, r.ContentLength)
	}
	if !c.intake.take(room) {
		c.shed(w, "bytes")
		return
	}
	defer c.intake.give(room)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, c.limits.Request))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, "body too large")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "body broke off")
		return
	case !bound.Covers(body):
		unauthorized(w, log, errors.New("token: made for another body"))
		return
	}
	calls, err := decodeCalls(string(body), c.limits)
	if err != nil {
		log.Warn("request refused", "error", err.Error())
		refuse(w, http.StatusBadRequest, "malformed calls")
		return
	}
	ctx, span, log := c.traced(r, log)
	defer span.End()
	ctx, cancel := context.WithTimeout(ctx, c.patience(r.Header))
	defer cancel()
	reply, held := c.answer(ctx, log, calls)
	defer c.intake.give(held)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(wire.SealHeader, c.keys.Seal(body, reply))
	w.Write(reply) // whom would an error be told?
}

// shed turns a request away that there is no room for. The module takes an answer
// without a seal for a failure of its calls.
func (c *Companion) shed(w http.ResponseWriter, what string) {
	c.metrics.shed.WithLabelValues(what).Inc()
	refuse(w, http.StatusServiceUnavailable, "too much at once")
}

// answer runs the calls side by side and writes a reply for each, in order. A call
// that is not done when ctx ends is answered with a failure, the others keep what
// they brought. held is what the answers took of the intake.
func (c *Companion) answer(ctx context.Context, log *slog.Logger, calls []*call) (reply []byte, held int64) {
	answers, failed := make([]answer, len(calls)), make([]string, len(calls))
	var wait sync.WaitGroup
	for i, x := range calls {
		run := func() { answers[i], failed[i] = c.run(ctx, log, x) }
		if i == len(calls)-1 {
			run() // mostly there is but one, and no goroutine to wake
		} else {
			wait.Go(run)
		}
	}
	wait.Wait()
	out := []byte(`{"replies":[`)
	total := 0
	for i, x := range calls {
		held += int64(answers[i].size())
		if total += answers[i].size(); total > c.limits.Reply {
			log.Warn("reply too large", "call", x.id, "bytes", total)
			answers[i], failed[i] = answer{}, string(tooLarge)
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = appendReply(out, x.id, answers[i], failed[i])
	}
	return append(out, `]}`...), held
}

// patience is how long the calls may take: what the module or Envoy says they
// wait, less a twentieth for the way back.
func (c *Companion) patience(h http.Header) time.Duration {
	d := c.limits.Timeout
	for _, name := range []string{wire.TimeoutHeader, "x-envoy-expected-rq-timeout-ms"} {
		ms, err := strconv.ParseInt(h.Get(name), 10, 32)
		if err == nil && ms > 0 {
			d = min(d, time.Duration(ms)*time.Millisecond*19/20)
		}
	}
	return d
}

func unauthorized(w http.ResponseWriter, log *slog.Logger, why error) {
	log.Warn("request refused", "error", why.Error())
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.Header().Set("Connection", "close") // or the server would wait for the body first
	refuse(w, http.StatusUnauthorized, "unauthorized")
}

func refuse(w http.ResponseWriter, status int, said string) {
	respond(w, status, map[string]string{"error": said})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// serveHealth says that the process runs.
func (c *Companion) serveHealth(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, map[string]bool{"healthy": true})
}

// readyPatience is how long /readyz waits for a database.
const readyPatience = 2 * time.Second

// serveReady asks each database whether it answers; 503 when one does not. Webhook
// hosts are not asked: there is no POST without consequences.
func (c *Companion) serveReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
	defer cancel()
	var mu sync.Mutex
	var wait sync.WaitGroup
	state, status := map[string]string{}, http.StatusOK
	for _, t := range c.targets {
		wait.Go(func() {
			err := c.ping(ctx, t)
			mu.Lock()
			defer mu.Unlock()
			state[t.name] = "ready"
			if err != nil {
				state[t.name], status = "failed", http.StatusServiceUnavailable
				c.log.Warn("not ready", "db", t.name, "error", err.Error())
			}
		})
	}
	wait.Wait()
	respond(w, status, map[string]any{"ready": status == http.StatusOK, "targets": state})
}

// ping shares a ping among those who ask at the same time: anybody may.
func (c *Companion) ping(ctx context.Context, t *target) error {
	_, err := c.flights.do(ctx, "ping "+t.name, func(ctx context.Context) (_ answer, err error) {
		defer rescue(&err)
		return answer{}, t.db.Ping(ctx)
	})
	return err
}
