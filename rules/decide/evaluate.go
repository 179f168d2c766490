package decide

import (
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// evaluate runs the rule on the args that are there.
func (r *Request) evaluate() Step {
	v := r.runRule()
	switch v.Outcome {
	case rules.Yes:
		if r.bodyPending && r.needsBody(&v) {
			return r.awaitBody()
		}
		return r.forward(&v)
	case rules.Waiting:
		return r.await(v.Calls)
	}
	return r.refuse(denied(&v))
}

// needsBody reports whether a request that the rule allows has to wait for its
// body.
func (r *Request) needsBody(v *rules.Verdict) bool {
	switch response := r.resource.Response; {
	case r.resource.Kind == policy.Database:
		// The policy allows operations by name, also if the rule reads none: an
		// operation that is not known yet must not pass.
		return true
	case v.Args.Key(rules.RootParams).Kind() != value.Pending:
		return true // the rule has replaced a body that it has not read
	default:
		// The body is gone by the time that the response comes.
		return response != nil && response.Uses(rules.RootParams)
	}
}

// await asks for the body first, if it is pending: the companion gets no calls
// for a request that cannot be read.
func (r *Request) await(calls []rules.Call) Step {
	if r.bodyPending {
		return r.awaitBody()
	}
	fresh, refusal := r.newCalls(calls, r.engine.policy.Limits.Calls)
	if refusal != nil {
		return r.refuse(refusal)
	}
	r.state = awaitReplies
	return Step{Action: AwaitReplies, Calls: fresh}
}

// runRule runs the rule: once, or for each document of a create with op all.
func (r *Request) runRule() rules.Verdict {
	if r.docs == nil {
		return r.runOnce(r.args, "", r.engine.policy.Limits.Steps)
	}
	// A run sees the changes that the runs before it made to the request, but not
	// to their documents. If the rule makes none, the runs do not depend on each
	// other, and their calls go out together.
	var (
		args    = r.args
		docs    = make([]value.Value, len(r.docs))
		all     = rules.Verdict{Outcome: rules.Yes}
		carries = r.carries()
		left    = r.engine.policy.Limits.Steps
	)
	for i, doc := range r.docs {
		v := r.runOnce(args.With(rules.RootDoc, doc), strconv.Itoa(i), left)
		left = max(1, left-v.Steps) // 0 would be the default
		switch v.Outcome {
		case rules.Yes:
			docs[i] = v.Args.Key(rules.RootDoc)
			if docs[i].Kind() == value.Missing {
				return rules.Verdict{Reason: lightfmt.Sprintf("document %d was removed", i)}
			}
			if carries {
				args = r.carry(args, v.Args)
			}
			all.Response = append(all.Response, v.Response...)
		case rules.Waiting:
			all.Outcome = rules.Waiting
			all.Calls = append(all.Calls, v.Calls...)
			if carries {
				return all
			}
		default:
			return v
		}
	}
	all.Args = args.With(rules.RootDoc, value.Arr(docs...))
	return all
}

// runOnce runs the rule on args. A yes that the claims alone decide is kept with the
// token. A Tracer is told of each evaluation.
func (r *Request) runOnce(args value.Value, element string, steps int) rules.Verdict {
	rule := r.resource.Rule
	kept := rule.OfClaims() && r.Tracer == nil && !r.engine.noMemo
	if kept {
		if edits, ok := r.memo.Find(rule.Question()); ok {
			return rules.Verdict{Outcome: rules.Yes, Args: args, Response: edits.([]rules.Edit)}
		}
	}
	r.input = rules.Input{
		Args: args, Verified: r.verified, Token: r.token, APIKey: r.apiKey, Now: r.received,
		MaxCalls: r.engine.policy.Limits.Calls, MaxSteps: steps, Element: element, TokenPlaces: r.engine.tokenPlaces,
		Rand: r.Rand, Tracer: r.Tracer, Memory: &r.eval,
	}
	v := rule.Eval(&r.input, &r.replies)
	if kept && v.Outcome == rules.Yes {
		r.memo.Keep(rule.Question(), v.Response)
	}
	return v
}

// uses reports whether a rule of the resource, on the request or on the
// response, may read or change args.<root>.
func (r *Request) uses(root string) bool {
	return r.resource.Rule.Uses(root) || r.resource.Response != nil && r.resource.Response.Uses(root)
}

// carriedRoots are the roots whose changes one document's run passes to the next:
// all that go back into the request, but the document.
var carriedRoots = [...]string{rules.RootOp, rules.RootFind, rules.RootUpdate, rules.RootPipeline, rules.RootOpts, rules.RootRequest}

func (r *Request) carries() bool {
	for _, root := range carriedRoots {
		if r.resource.Rule.Changes(root) {
			return true
		}
	}
	return false
}

// carry copies the carried roots from the args that one document's run left to
// those that the next one gets.
func (r *Request) carry(args, after value.Value) value.Value {
	for _, root := range carriedRoots {
		if !r.resource.Rule.Changes(root) {
			continue
		}
		now := after.Key(root)
		if root == rules.RootRequest && now.Kind() == value.Object && args.Key(root).Kind() == value.Object {
			now = args.Key(root).With("query", now.Key("query")).With("headers", now.Key("headers"))
		}
		args = args.With(root, now)
	}
	return args
}
