package decide

import (
	"errors"
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// response returns the Response to a request that the rule allows; nil: no rule
// reads or changes it.
func (r *Request) response(v *rules.Verdict) *Response {
	rule := r.resource.Response
	if rule == nil && len(v.Response) == 0 {
		return nil
	}
	out := r.memory.response
	if out == nil {
		out = new(Response)
		r.memory.response = out
	}
	out.actions, out.rule, out.limits = v.Response, rule, r.engine.policy.Limits
	out.request, out.resource, out.state = r.head, r.resource, awaitHeaders
	out.made = r.made
	if rule == nil {
		return out
	}
	// The args stay in memory until the response comes, so keep only the roots
	// that the rule uses, and of those that the body may have filled the text: a
	// changed value is a tree, which is larger. The upstream sets res and response,
	// not the request.
	var kept []value.Member
	v.Args.Each(func(root string, x value.Value) bool {
		if root != rules.RootRes && root != rules.RootResponse && rule.Uses(root) {
			if composite := x.Kind() == value.Object || x.Kind() == value.Array; composite && (r.body.Kind() != value.Missing || r.pairs != nil) {
				text := x.String()
				x = value.Checked(text)
				out.kept += len(text)
			}
			kept = append(kept, value.Member{Key: root, Value: x})
		}
		return true
	})
	out.input = rules.Input{
		Args: value.Obj(kept...), Verified: r.verified, Token: r.token, APIKey: r.apiKey, Now: r.received, MaxCalls: out.limits.Calls,
		MaxSteps: out.limits.Steps, TokenPlaces: r.engine.tokenPlaces, Rand: r.Rand, Tracer: r.Tracer, Memory: &out.eval,
	}
	return out
}

// addHeaders sets args.response.
func (r *Response) addHeaders(h *responseHead) error {
	switch {
	case r.rule == nil || !r.rule.Uses(rules.RootResponse):
		return nil
	case h.status < 100:
		return errors.New("no status")
	}
	fields := h.fields.object()
	for _, name := range h.opaque { // as in args.request.headers: absent, with all of its values
		fields = fields.Without(name)
	}
	r.input.Args = r.input.Args.With(rules.RootResponse, value.Obj(
		value.Member{Key: "status", Value: value.Int(int64(h.status))},
		value.Member{Key: "headers", Value: fields},
	))
	return nil
}

// evaluate runs the rule on the response with the args that are there.
//
// The rule reads the body as the upstream sent it. Then the actions of the
// request's rule run on the body that the rule has changed, and the rule's own
// actions last. So no copy that the rule makes brings back a field that the
// request's rule hides.
func (r *Response) evaluate() Step {
	if r.rule == nil {
		return r.rewrite(r.body, r.actions)
	}
	v := r.rule.Eval(&r.input, &r.replies)
	switch v.Outcome {
	case rules.Yes:
		return r.rewrite(r.changedBody(&v), append(r.actions[:len(r.actions):len(r.actions)], v.Response...))
	case rules.Waiting:
		fresh, refusal := r.newCalls(v.Calls, r.limits.Calls)
		if refusal != nil {
			return r.refuse(refusal)
		}
		r.state = awaitReplies
		return Step{Action: AwaitReplies, Calls: fresh}
	}
	return r.refuse(denied(&v))
}

// withoutBody evaluates the rule on status and headers. ok reports whether it
// decides before it reads or changes the body; then the body is not held.
func (r *Response) withoutBody() (step Step, ok bool) {
	if r.rule == nil || len(r.actions) > 0 {
		return step, false
	}
	input := r.input
	input.Args = input.Args.With(rules.RootRes, value.PendingValue)
	v := r.rule.Eval(&input, &r.replies)
	switch v.Outcome {
	case rules.Waiting:
		return step, false
	case rules.Yes:
		return Step{Action: Continue}, len(v.Response) == 0 && v.Args.Key(rules.RootRes).Kind() == value.Pending
	}
	return r.refuse(denied(&v)), true
}

// changedBody returns the body after the rule's changes to args.res.
func (r *Response) changedBody(v *rules.Verdict) string {
	before, now := r.input.Args.Key(rules.RootRes), v.Args.Key(rules.RootRes)
	switch {
	case !r.rule.Changes(rules.RootRes), before.Kind() == now.Kind() && before.String() == now.String():
		return r.body
	case now.Kind() == value.Missing:
		r.after = value.Obj()
		return ""
	}
	r.after = now
	return now.String()
}

// rewrite applies the actions of both rules to a body.
func (r *Response) rewrite(body string, actions []rules.Edit) Step {
	if r.body == "" { // there is nothing to rewrite
		if !r.needsBody() {
			return Step{Action: Continue}
		}
		// These headers describe the body as the upstream has it: for a HEAD, or
		// after a change that is answered without a body.
		step := Step{Action: Continue, Changes: Changes{RemoveHeaders: r.head.described}}
		if r.toHEAD() {
			step.Changes.RemoveHeaders = append([]string{"content-length"}, r.head.described...)
		}
		return step
	}
	if r.room == nil && len(body) <= maxRoom*8/9 {
		r.room = make([]byte, 0, maxRoom)
	}
	var err error
	if r.text, err = rules.ApplyResponseIn(r.room, body, actions, r.limits.Depth, r.limits.Steps); err != nil {
		return r.withhold(err.Error())
	}
	if r.text == r.body {
		return Step{Action: Continue}
	}
	r.applied = actions
	r.set[0] = [2]string{"content-length", strconv.Itoa(len(r.text))}
	return Step{Action: Continue, Changes: Changes{RemoveHeaders: r.head.described, SetHeaders: r.set[:], Body: &r.text}}
}
