package decide_test

import (
	"testing"

	"github.com/rulegate/rulegate/rules/decide"
)

// Where all events need the same tokens, a request without one is refused before its
// body is read. Events that are always denied do not count.
func TestEventsAreRefusedEarly(t *testing.T) {
	const open, closed, denied = `"a": {"rule": {"rule": "allow"}}`, `"b": {"rule": {"rule": "authenticated"}}`, `"c": {"rule": {"rule": "deny"}}`
	const partner = `"d": {"auth": {"providers": ["partner"]}, "rule": {"rule": "authenticated"}}`
	for _, c := range []struct {
		events string
		want   decide.Action
	}{
		{closed, decide.Refuse},
		{closed + "," + denied, decide.Refuse},
		{closed + "," + open, decide.AwaitBody},
		{closed + "," + partner, decide.AwaitBody},
		{denied, decide.AwaitBody},
	} {
		engine, _ := parts{events: c.events}.load(t)
		step := engine.NewRequest(nil, now).Headers([][2]string{
			{":method", "POST"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/v1/api/shop/eventing/queue"}, {"content-type", "application/json"},
		}, false)
		if step.Action != c.want {
			t.Errorf("{%s}: action %v, want %v; %+v", c.events, step.Action, c.want, step.Refusal)
		}
	}
}
