package decide

import (
	"testing"

	"github.com/rulegate/rulegate/rules"
)

// The first reply is kept apart from the others. A call without an id has none.
func TestMemo(t *testing.T) {
	var m memo
	if _, ok := m.Reply(&rules.Call{}); ok {
		t.Error("a reply out of nothing")
	}
	for _, id := range []string{"a", "b", "c", "a", "c"} {
		m.keep(rules.Reply{ID: id, Body: id})
		m.keep(rules.Reply{ID: id, Body: id + id})
	}
	for _, id := range []string{"a", "b", "c"} {
		if r, ok := m.Reply(&rules.Call{ID: id}); !ok || r.ID != id || r.Body != id+id {
			t.Errorf("%s: %+v, %t", id, r, ok)
		}
	}
	for _, id := range []string{"", "d"} {
		if r, ok := m.Reply(&rules.Call{ID: id}); ok {
			t.Errorf("%q: %+v", id, r)
		}
	}
}
