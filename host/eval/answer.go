package eval

import (
	"fmt"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// answer is the answer to one question. The zero value denies.
type answer struct {
	outcome rules.Outcome
	message string      // for the client; "" when no rule has one
	reason  string      // why, for the log
	args    value.Value // after the evaluation; Missing after a panic
	res     value.Value // the rewritten response; Missing: none was given, or it is blocked
	blocked bool        // the response cannot be rewritten, so it must not be sent
	calls   value.Value // Missing: none were made
}

func answerOf(v rules.Verdict) answer {
	a := answer{outcome: v.Outcome, message: v.Message, args: v.Args}
	if v.Outcome == rules.Waiting { // every call has its reply, so no rule waits
		a.outcome = rules.Unknown
	}
	switch {
	case v.Outcome == rules.Yes:
		a.message, a.reason = "", "allowed"
	case v.TooMany:
		a.reason = fmt.Sprintf("more calls than %d", rules.DefaultCalls)
	case v.Place == "":
		a.reason = v.Reason
	default:
		a.reason = v.Where() + ": " + v.Reason
	}
	return a
}

// members are the answer's JSON members, in the order that the help documents.
func (a answer) members() []value.Member {
	out := []value.Member{
		member("allow", value.Boolean(a.outcome == rules.Yes)),
		member("outcome", value.Str(a.outcome.String())),
	}
	if a.message != "" {
		out = append(out, member("error", value.Str(a.message)))
	}
	out = append(out, member("reason", value.Str(a.reason)))
	if a.args.Kind() != value.Missing {
		out = append(out, member("args", a.args))
	}
	if a.res.Kind() != value.Missing {
		out = append(out, member("res", a.res))
	}
	calls := a.calls
	if calls.Kind() == value.Missing {
		calls = value.Arr()
	}
	return append(out, member("resBlocked", value.Boolean(a.blocked)), member("calls", calls))
}

// withID puts the line's id first; a line without an id gets none.
func withID(id value.Value, members []value.Member) value.Value {
	if id.Kind() == value.Missing {
		return value.Obj(members...)
	}
	return value.Obj(append([]value.Member{member("id", id)}, members...)...)
}

func member(key string, v value.Value) value.Member { return value.Member{Key: key, Value: v} }
