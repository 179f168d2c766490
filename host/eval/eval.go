// Package eval evaluates single rules, each given as a line of JSON with the
// args to evaluate it against and the replies to the calls that it makes.
package eval

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

// Evaluator answers lines. It has no state between them.
type Evaluator struct {
	now  func() time.Time
	keys *token.Set // signs the tokens of webhooks; only this process has its key
}

// gatewayID is the id in the service tokens of webhooks.
const gatewayID = "eval"

// New returns an Evaluator; now is the time of lines that have none.
func New(now func() time.Time) (*Evaluator, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	keys, faults := token.NewSet([]token.Key{{Name: "eval", Alg: "HS256", Secret: hex.EncodeToString(secret), Primary: true}}, 0, false, gocrypto.Crypto())
	if len(faults) > 0 {
		return nil, fmt.Errorf("signing key: %s", faults[0].Message)
	}
	return &Evaluator{now: now, keys: keys}, nil
}

// Answer evaluates the rule of a line. A line that cannot be read is answered
// with "error" and without "allow"; a faulty rule is a denial.
func (e *Evaluator) Answer(line []byte) (out value.Value) {
	var id value.Value
	defer func() {
		if p := recover(); p != nil {
			out = withID(id, answer{reason: "internal fault: " + fmt.Sprint(p)}.members())
		}
	}()
	text := string(line)
	q, err := parseQuestion(text, e.now())
	if err != nil {
		return withID(lineID(text), []value.Member{member("error", value.Str(err.Error()))})
	}
	id = q.id
	return withID(id, e.evaluate(q).members())
}

func (e *Evaluator) evaluate(q *question) answer {
	denied := answer{args: q.args}
	key, err := q.key()
	if err != nil {
		denied.reason = err.Error()
		return denied
	}
	rule, faults := rules.Compile(q.rule, "rule", &rules.Env{AESKey: key, CanSign: true, Zone: time.LoadLocation})
	if len(faults) > 0 {
		denied.reason = strings.ReplaceAll(faults.Error(), "\n", "; ")
		return denied
	}
	raw, _ := q.args.Key("token").Text()
	replies := &replies{given: q.replies, served: map[string]rules.Reply{}}
	v := rule.Eval(&rules.Input{
		Args:     q.args,
		Verified: q.args.Key("auth").Kind() == value.Object,
		Token:    raw,
		Now:      q.now,
	}, replies)
	a := answerOf(v)
	if a.calls, err = e.calls(replies.made, q.now); err != nil {
		return answer{args: v.Args, reason: err.Error()}
	}
	if v.Outcome == rules.Yes && q.res.Kind() != value.Missing {
		if a.res, err = respond(q.res, v.Response); err != nil {
			a.blocked, a.reason = true, "response: "+err.Error()
		}
	}
	return a
}

// respond applies a rule's response actions.
func respond(res value.Value, actions []rules.Edit) (value.Value, error) {
	text, err := rules.ApplyResponse(res.String(), actions, maxDepth, 0)
	if err != nil {
		return value.Value{}, err
	}
	return value.Parse(text, maxDepth)
}
