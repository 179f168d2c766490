package decide_test

import (
	"testing"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
)

// asked counts the calls of its methods.
type asked struct{ ip, peer int }

func (a *asked) ClientIP() string  { a.ip++; return "192.0.2.1" }
func (a *asked) Peer() value.Value { a.peer++; return value.Obj() }

// A property costs the proxy a call, so it is asked for only if a rule may read it.
func TestPropertiesOnlyIfUsed(t *testing.T) {
	for _, tt := range []struct {
		rule string
		want asked
	}{
		{open, asked{}},
		{`{"rule": "match", "type": "string", "eval": "==", "f1": "args.request.ip", "f2": "192.0.2.1"}`, asked{ip: 1}},
		{`{"rule": "match", "type": "bool", "eval": "==", "f1": "utils.exists(args.peer)", "f2": true}`, asked{peer: 1}},
	} {
		g, pol := route(tt.rule).load(t)
		in, _ := request(tokens(t, pol).Replace("GET /x\nauthorization: Bearer {alice}"))
		var got asked
		if step := g.NewRequest(&got, now).Headers(in.headers, true); step.Action != decide.Continue || got != tt.want {
			t.Errorf("%s: %+v, asked %+v, want %+v", tt.rule, step, got, tt.want)
		}
	}
}

// Without properties, a rule that reads them is unknown.
func TestNoProperties(t *testing.T) {
	g, pol := route(`{"rule": "match", "type": "string", "eval": "==", "f1": "args.request.ip", "f2": "192.0.2.1"}`).load(t)
	in, _ := request(tokens(t, pol).Replace("GET /x\nauthorization: Bearer {alice}"))
	if step := g.NewRequest(nil, now).Headers(in.headers, true); step.Action != decide.Refuse || step.Refusal.Outcome != decide.Unknown {
		t.Errorf("%+v", step)
	}
	if step := new(decide.Request).Headers(in.headers, true); step.Action != decide.Refuse {
		t.Errorf("the zero request: %+v", step)
	}
}
