package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Recorded is a decision that was recorded: a line of the decision log, or the JSON of
// an explanation.
type Recorded struct {
	Route   string
	Allowed bool
	Status  int // that the client got, if it was refused
	Request *simulate.Request

	token   tokenChoice
	claims  value.Value
	replies []recordedReply
}

// Target is the method and the path of the request.
func (r *Recorded) Target() string {
	path, _, _ := strings.Cut(r.Request.Target, "?")
	return r.Request.Method + " " + path
}

// ParseRecord reads a line.
//
// Errors: it records no decision, or the request is not recorded.
func ParseRecord(line []byte) (*Recorded, error) {
	line = []byte(decisionlog.Unwrap(string(line)))
	if !bytes.HasPrefix(line, []byte("{")) {
		return nil, errors.New("not a line of the decision log: want an object")
	}
	var t trace.Trace
	if err := json.Unmarshal(line, &t); err == nil && t.Version > 0 && t.Request.Method != "" {
		return ofTrace(&t)
	}
	e, err := decisionlog.Parse(line)
	if err != nil {
		return nil, err
	}
	return ofEntry(e)
}

func ofEntry(e *decisionlog.Entry) (*Recorded, error) {
	if e.Request == nil || e.Request.Method == "" || e.Request.Path == "" {
		return nil, errors.New("the request is not recorded")
	}
	if e.Of == "response" {
		return nil, errors.New("a decision about a response, which is not recorded")
	}
	r := &Recorded{Route: e.Route, Allowed: e.Outcome == decide.Yes, Status: e.Status}
	r.Request = &simulate.Request{Method: e.Request.Method, Target: e.Request.Path, Host: e.Request.Host, IP: e.Request.IP, ID: e.RequestID, Now: e.Time}
	claims, body := value.Obj(), value.Obj()
	for _, part := range e.Claims {
		claims, _ = claims.Set(strings.Split(part.Path, "."), value.Checked(part.JSON))
	}
	for _, part := range e.Body {
		body, _ = body.Set(strings.Split(strings.TrimPrefix(part.Path, "args."), "."), value.Checked(part.JSON))
	}
	r.claims = claims
	for _, c := range e.Calls {
		if c.Error != "" {
			r.replies = append(r.replies, recordedReply{target: c.Target, failed: true, reply: rules.Reply{Err: c.Error}})
		}
	}
	verified := e.Verified || claims.Len() > 0
	r.token = tokenChoice{sent: verified, valid: verified}
	r.setBody(body.Key(rules.RootParams))
	return r, nil
}

func (r *Recorded) setBody(v value.Value) {
	if v.Kind() != value.Missing {
		r.Request.Body = v.String()
		r.Request.Headers = append(r.Request.Headers, [2]string{"content-type", "application/json"})
	}
}

func ofTrace(t *trace.Trace) (*Recorded, error) {
	m := &t.Request
	if m.Cut || masked(m.JSON) || t.Token != nil && masked(t.Token.Claims) {
		return nil, errors.New("parts of the request are masked or cut")
	}
	at, err := time.Parse(time.RFC3339Nano, t.Time)
	if err != nil {
		return nil, fmt.Errorf("time: %w", err)
	}
	r := &Recorded{Allowed: t.Decision.Outcome == decide.Yes, Status: t.Decision.Status}
	if t.Route != nil {
		r.Route = t.Route.Name
	}
	r.Request = &simulate.Request{Method: m.Method, Target: m.Target, Host: m.Host, Scheme: m.Scheme, IP: m.IP, Now: at, Body: m.Body}
	if m.Peer != nil {
		r.Request.Peer = value.Checked(string(m.Peer.JSON))
	}
	for _, h := range m.Headers {
		switch strings.ToLower(h.Name) {
		case "authorization", "cookie", "content-length":
		default:
			r.Request.Headers = append(r.Request.Headers, [2]string{h.Name, h.Value})
		}
	}
	if m.JSON != nil {
		r.Request.Body = string(m.JSON.JSON)
	}
	if t.Token != nil {
		for _, s := range t.Token.Sources {
			r.token.sent = r.token.sent || s.Found
		}
		if r.token.valid = t.Token.Verified; r.token.valid {
			r.token.sent, r.claims = true, value.Obj()
			if t.Token.Claims != nil {
				r.claims = value.Checked(string(t.Token.Claims.JSON))
			}
		}
	}
	for _, e := range t.Rule {
		r.collect(e.Clause)
	}
	if t.Decision.Of != "response" && t.Response == nil {
		return r, nil
	}
	return r, r.response(t)
}

// response takes the upstream's response of a trace.
func (r *Recorded) response(t *trace.Trace) error {
	if t.Response == nil {
		return errors.New("a decision about a response, which is not recorded")
	}
	up := &t.Response.Upstream
	if up.Cut || masked(up.JSON) {
		return errors.New("parts of the response are masked or cut")
	}
	out := &simulate.Response{Status: up.Status, Body: up.Body}
	for _, h := range up.Headers {
		out.Headers = append(out.Headers, [2]string{h.Name, h.Value})
	}
	if up.JSON != nil {
		out.Body = string(up.JSON.JSON)
	}
	r.Request.Response = out
	for _, e := range t.Response.Rule {
		r.collect(e.Clause)
	}
	return nil
}

func masked(v *trace.Value) bool { return v != nil && (v.Masked || v.Cut) }

// Replayer decides recorded requests by another policy.
type Replayer struct{ engine *engine }

// NewReplayer returns a replayer for a policy.
func NewReplayer(p *Policy) *Replayer {
	return &Replayer{newEngine([2]*policy.Policy{p.Policy, p.Policy})}
}

// Replay decides a recorded request.
//
// Errors: the policy makes a call whose reply is not recorded, or the request cannot be
// made.
func (r *Replayer) Replay(rec *Recorded) (*simulate.Result, error) {
	q := *rec.Request
	if rec.token.sent {
		fields, err := r.engine.withToken(append([][2]string{{":path", q.Target}}, q.Headers...), &rec.token, rec.claims)
		if err != nil {
			return nil, err
		}
		q.Target, q.Headers = fields[0][1], fields[1:]
	}
	q.Companion = &recordedReplies{replies: rec.replies, used: make([]bool, len(rec.replies))}
	return r.engine.simulators[0].Decide(&q)
}
