package cli

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// evaluator answers the lines of eval.
type evaluator struct {
	now    func() time.Time
	minter minter // signs what a webhook would carry
}

// minter mints with a key that nobody else has.
type minter struct{ keys *token.Set }

func (m minter) Mint(claims string) (string, error) { return m.keys.Mint(claims, "JWT") }

func (m minter) ServiceToken(now time.Time) (string, error) { return m.keys.ServiceToken("eval", now) }

func newEvaluator(now func() time.Time) (*evaluator, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	keys, faults := token.NewSet([]token.Key{{Name: "eval", Alg: "HS256", Secret: hex.EncodeToString(secret), Primary: true}}, 0, false)
	if len(faults) > 0 {
		return nil, fmt.Errorf("signing key: %s", faults[0].Message)
	}
	return &evaluator{now: now, minter: minter{keys}}, nil
}

// answer is the answer to one line, as one line.
func (e *evaluator) answer(line []byte, err error) (out []byte) {
	text := string(line)
	var id value.Value
	defer func() {
		if p := recover(); p != nil {
			out = oneLine(answerTo(id, denied(value.Value{}, "internal fault: "+fmt.Sprint(p))...))
		}
	}()
	if err != nil {
		return oneLine(value.Obj(member("error", value.Str(err.Error()))))
	}
	q, err := parseEvalLine(text, e.now())
	if err != nil {
		return oneLine(answerTo(lineID(text), member("error", value.Str(err.Error()))))
	}
	id = q.id
	return oneLine(answerTo(id, e.decide(q)...))
}

// decide evaluates the rule.
func (e *evaluator) decide(q *evalLine) []value.Member {
	key, err := q.key()
	if err != nil {
		return denied(q.args, err.Error())
	}
	rule, faults := rules.Compile(q.rule, "rule", &rules.Scope{AESKey: key, CanSign: true, Response: true})
	if len(faults) > 0 {
		return denied(q.args, strings.ReplaceAll(faults.Error(), "\n", "; "))
	}
	raw, _ := q.args.Key("token").Text()
	calls := &script{replies: q.replies, served: map[string]rules.Reply{}}
	v := rule.Eval(&rules.Input{
		Args:     q.args,
		Verified: q.args.Key("auth").Kind() == value.Object,
		Token:    raw,
		Now:      q.now,
	}, calls)
	made, err := e.calls(calls.made, q.now)
	if err != nil {
		return denied(v.Args, err.Error())
	}
	allow := v.Outcome == rules.Yes
	out := []value.Member{member("allow", value.Boolean(allow)), member("outcome", value.Str(outcome(v)))}
	if !allow && v.Message != "" {
		out = append(out, member("error", value.Str(v.Message)))
	}
	blocked, reason := false, reason(v)
	var res value.Value
	if allow && q.res.Kind() != value.Missing {
		if res, err = respond(q.res, v.Response); err != nil {
			blocked, reason = true, "response: "+err.Error()
		}
	}
	out = append(out, member("reason", value.Str(reason)), member("args", v.Args))
	if res.Kind() != value.Missing {
		out = append(out, member("res", res))
	}
	return append(out, member("resBlocked", value.Boolean(blocked)), member("calls", made))
}

func outcome(v rules.Verdict) string {
	if v.Outcome == rules.Waiting { // nothing is ever awaited here
		return rules.Unknown.String()
	}
	return v.Outcome.String()
}

func reason(v rules.Verdict) string {
	switch {
	case v.Outcome == rules.Yes:
		return "allowed"
	case v.TooMany:
		return fmt.Sprintf("more calls than %d", rules.DefaultCalls)
	case v.Place == "":
		return v.Reason
	}
	return v.Place + ": " + v.Reason
}

func respond(res value.Value, actions []rules.ResponseAction) (value.Value, error) {
	text, err := rules.ApplyResponse(res.String(), actions, evalDepth)
	if err != nil {
		return value.Value{}, err
	}
	return value.Parse(text, evalDepth)
}

// denied is the answer when nothing was evaluated.
func denied(args value.Value, reason string) []value.Member {
	out := []value.Member{
		member("allow", value.Boolean(false)),
		member("outcome", value.Str(rules.Unknown.String())),
		member("reason", value.Str(reason)),
	}
	if args.Kind() != value.Missing {
		out = append(out, member("args", args))
	}
	return append(out, member("resBlocked", value.Boolean(false)), member("calls", value.Arr()))
}

// calls are the calls as they would go to the companion, without what only it
// needs.
func (e *evaluator) calls(made []rules.Call, now time.Time) (value.Value, error) {
	if len(made) == 0 {
		return value.Arr(), nil
	}
	text, err := wire.Encode(made, e.minter, now)
	if err != nil {
		return value.Value{}, fmt.Errorf("calls: %w", err)
	}
	doc, err := value.Parse(string(text), 2*evalDepth)
	if err != nil {
		return value.Value{}, fmt.Errorf("calls: %w", err)
	}
	var out []value.Value
	doc.Key("calls").Each(func(_ string, c value.Value) bool {
		var m []value.Member
		for _, name := range []string{"kind", "db", "col", "find", "url", "headers", "body"} {
			if x := c.Key(name); x.Kind() != value.Missing {
				m = append(m, member(name, x))
			}
		}
		out = append(out, value.Obj(m...))
		return true
	})
	return value.Arr(out...), nil
}

// script serves calls with the replies of a line: the first one that fits, as
// often as asked.
type script struct {
	replies []evalReply
	served  map[string]rules.Reply
	made    []rules.Call
}

func (s *script) Reply(c *rules.Call) (rules.Reply, bool) {
	if r, ok := s.served[c.ID]; ok {
		return r, true
	}
	r := rules.Reply{Err: "no reply fits"}
	for _, x := range s.replies {
		if x.kind == c.Kind.String() && (x.col == "" || x.col == c.Col) {
			r = x.reply
			break
		}
	}
	r.ID = c.ID
	s.served[c.ID] = r
	s.made = append(s.made, *c)
	return r, true
}

func answerTo(id value.Value, rest ...value.Member) value.Value {
	if id.Kind() == value.Missing {
		return value.Obj(rest...)
	}
	return value.Obj(append([]value.Member{member("id", id)}, rest...)...)
}

func member(key string, v value.Value) value.Member { return value.Member{Key: key, Value: v} }

// oneLine writes v without line ends: a stored webhook reply keeps its bytes,
// and between tokens those may be any white space.
func oneLine(v value.Value) []byte {
	out := v.Append(nil)
	for i, b := range out {
		if b == '\n' || b == '\r' {
			out[i] = ' '
		}
	}
	return out
}
