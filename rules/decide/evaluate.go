package decide

import (
	"fmt"
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// decide evaluates the rule with what is there and says what is next.
func (s *Stream) decide() Step {
	v := s.eval()
	switch v.Outcome {
	case rules.Yes:
		if s.pending && (s.resource.Kind == policy.Database || v.Args.Key("params").Kind() != value.Pending) {
			// What the operation is belongs to the policy: even a rule that does
			// not read the body lets no operation through that nobody knows. And a
			// rule that replaces the body without a look at it replaces a body.
			return s.awaitBody()
		}
		if r := s.resource.Response; s.pending && r != nil && r.Uses("params") {
			return s.awaitBody() // when the response is there, the body is gone
		}
		return s.forward(&v)
	case rules.Waiting:
		return s.wait(v.Calls)
	}
	return s.refuse(denied(&v))
}

// wait asks for the body or, when that is there or does not matter, for the
// calls: nobody is asked about a request that cannot be read.
func (s *Stream) wait(calls []rules.Call) Step {
	if s.pending {
		return s.awaitBody()
	}
	fresh, r := s.ask(calls, s.gate.policy.Limits.Calls)
	if r != nil {
		return s.refuse(r)
	}
	s.phase = wantReplies
	return Step{Action: AwaitReplies, Calls: fresh, Resource: s.resource}
}

// Replies brings the replies to the calls of the last Step. A call without one
// has failed.
func (s *Stream) Replies(rs []rules.Reply) Step {
	if s.phase != wantReplies {
		return s.refuse(undecided("replies out of turn"))
	}
	s.record(rs)
	s.phase = over
	return s.decide()
}

// eval evaluates the rule, for each document where there are several.
func (s *Stream) eval() rules.Verdict {
	if s.docs == nil {
		return s.evalOne(s.args, "")
	}
	// Each run sees what the runs before it changed in the request, but for the
	// document. As long as the rule changes nothing there, the runs do not
	// depend on one another, and their calls go out together.
	var (
		args    = s.args
		docs    = make([]value.Value, len(s.docs))
		all     = rules.Verdict{Outcome: rules.Yes}
		carries = s.carries()
	)
	for i, doc := range s.docs {
		v := s.evalOne(args.With("doc", doc), strconv.Itoa(i))
		switch v.Outcome {
		case rules.Yes:
			docs[i] = v.Args.Key("doc")
			if docs[i].Kind() == value.Missing {
				return rules.Verdict{Reason: fmt.Sprintf("document %d was removed", i)}
			}
			args = s.carry(args, v.Args)
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
	all.Args = args.With("doc", value.Arr(docs...))
	return all
}

func (s *Stream) evalOne(args value.Value, element string) rules.Verdict {
	return s.resource.Rule.Eval(&rules.Input{
		Args: args, Verified: s.verified, Token: s.token, Now: s.now,
		MaxCalls: s.gate.policy.Limits.Calls, Element: element,
	}, s.replies)
}

// uses says whether one of the resource's rules may look at args.<root> or
// change it.
func (s *Stream) uses(root string) bool {
	r := s.resource
	return r.Rule.Uses(root) || r.Response != nil && r.Response.Uses(root)
}

// shared are the roots of which one document's run shows its changes to the next.
var shared = [...]string{"op", "find", "update", "pipeline", "opts", "request"}

func (s *Stream) carries() bool {
	for _, root := range shared {
		if s.resource.Rule.Changes(root) {
			return true
		}
	}
	return false
}

// carry takes over what a run changed of what goes back into the request; the
// rest lasts for the run alone.
func (s *Stream) carry(args, after value.Value) value.Value {
	if !s.carries() {
		return args
	}
	for _, root := range shared {
		if !s.resource.Rule.Changes(root) {
			continue
		}
		now := after.Key(root)
		if root == "request" && now.Kind() == value.Object && args.Key(root).Kind() == value.Object {
			now = args.Key(root).With("query", now.Key("query")).With("headers", now.Key("headers"))
		}
		args = args.With(root, now)
	}
	return args
}
