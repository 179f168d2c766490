package decide

import (
	"fmt"
	"reflect"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// ForgetAnswers makes the engine evaluate each rule each time.
func (e *Engine) ForgetAnswers() { e.noMemo = true }

// GoGeneralWay makes the engine decide no request the quick way.
func (e *Engine) GoGeneralWay() { e.quick.source = nil }

// Pass decides a request the quick way, as the Step of the general way.
func (r *Request) Pass() (s Step, ok bool) {
	p, ok := r.Passes()
	if !ok {
		return Step{}, false
	}
	s = Step{Action: Continue, Changes: Changes{RemoveHeaders: []string{}}}
	if p.Withheld != "" {
		s.Changes.RemoveHeaders = append(s.Changes.RemoveHeaders, p.Withheld)
	}
	return s, p.Resource != nil
}

// Differs says in what Passes has read the request in another way than Decide would; "":
// in nothing. It is called between the two.
func (r *Request) Differs() string {
	if r.reached == nowhere {
		return ""
	}
	var h head
	if err := h.read(r.came); err != nil {
		return "a head that is refused: " + err.Error()
	}
	if !sameHead(r.head, h) {
		return fmt.Sprintf("head: %+v, want %+v", r.head, h)
	}
	m, err := r.engine.policy.Find(h.method, h.host, h.path)
	if err != nil || m.HasTypes() || m.Resource != r.resource || m.Resource.Uses.Request && shownArgs(value.Obj(m.Vars...)) != shownArgs(value.Obj(r.vars...)) {
		return fmt.Sprintf("resource %v %v, want %v %v %v", r.resource.Name, r.vars, m.Resource, m.Vars, err)
	}
	if removed := h.removeReserved(r.resource, r.mayAwaitBody()); r.reached == args && len(removed) > 0 {
		return fmt.Sprintf("fields that are not removed: %q", removed)
	}
	return ""
}

func sameHead(a, b head) bool {
	for _, h := range []*head{&a, &b} {
		h.fields, h.types = append([][2]string{}, h.fields...), append([]string{}, h.types...)
	}
	return reflect.DeepEqual(a, b)
}

// Saw is all that a rule, the forwarding and the log can see of a request.
func (r *Request) Saw() string {
	return fmt.Sprintf("resource %s, verified %t, token %q, key %q, claims %s, args %s", nameOf(r.resource), r.verified, r.token, r.apiKey, shownArgs(r.claims), shownArgs(r.args))
}

// HasArgs reports whether Passes has built args.
func (r *Request) HasArgs() bool { return r.reached == args }

func shownArgs(v value.Value) (text string) {
	if v.Kind() != value.Object {
		return v.Kind().String() + " " + v.String()
	}
	v.Each(func(key string, x value.Value) bool {
		text += fmt.Sprintf("%q: %v %s, ", key, x.Kind(), x.String())
		return true
	})
	return text
}

// Shown is all that a Response has of its request.
func (r *Response) Shown() string {
	h := r.request
	h.fields, h.types = append([][2]string{}, h.fields...), append([]string{}, h.types...)
	edits := ""
	for i := range r.actions {
		edits += fmt.Sprintf("%q, ", r.actions[i].Path())
	}
	return fmt.Sprintf("resource %s, rule %t, state %d, kept %d, edits %s, args %s, verified %t, token %q, key %q, now %v, request %+v",
		nameOf(r.resource), r.rule != nil, r.state, r.kept, edits, shownArgs(r.input.Args), r.input.Verified, r.input.Token, r.input.APIKey, r.input.Now, h)
}

func nameOf(r *policy.Resource) string {
	if r == nil {
		return ""
	}
	return r.Name
}
