package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Answers is a Companion with given data. A call that it has no answer for has failed.
type Answers struct {
	Policy   *policy.Policy
	Tables   map[string]*Table   // by `db.collection`
	Webhooks map[string]*Webhook // by URL
	// Tokens are the opaque tokens that issuers take, with the claims of their answers.
	Tokens map[string]*Token
}

// Token is the issuers' answer about an opaque token.
type Token struct {
	Claims value.Value // Missing: the token is not active
	Failure
}

// Failure is how a database or a webhook fails. The zero Failure does not.
type Failure struct {
	Fails string        // the phrase of the companion, such as timeout; "": it answers
	Delay time.Duration // before the answer; over the policy's companion.timeout it is too late
}

// Webhook is the answer of a webhook.
type Webhook struct {
	Status int
	Body   string
	Failure
}

// Answer implements Companion.
func (a *Answers) Answer(calls []rules.Call) ([]rules.Reply, error) {
	replies := make([]rules.Reply, len(calls))
	for i := range calls {
		c := &calls[i]
		replies[i] = a.reply(c)
		replies[i].ID = c.ID
	}
	return replies, nil
}

func (a *Answers) reply(c *rules.Call) rules.Reply {
	if c.Kind == rules.Introspect {
		return a.introspected(c)
	}
	if c.Kind == rules.Webhook {
		w := a.Webhooks[c.URL]
		if w == nil {
			return rules.Reply{Err: "no answer is given for " + c.URL}
		}
		if err := a.failure(w.Failure); err != "" {
			return rules.Reply{Err: err}
		}
		return rules.Reply{Status: w.Status, Body: w.Body}
	}
	name := c.DB + "." + c.Col
	t := a.Tables[name]
	if t == nil {
		return rules.Reply{Err: "no data is given for " + name}
	}
	if err := a.failure(t.Failure); err != "" {
		return rules.Reply{Err: err}
	}
	rows, err := t.find(c)
	if err != nil {
		return rules.Reply{Err: fmt.Sprintf("%s: %v", failure.BadCall, err)}
	}
	return rules.Reply{Rows: rows}
}

// introspected is the answer of an issuer about a token (RFC 7662, section 2.2).
func (a *Answers) introspected(c *rules.Call) rules.Reply {
	t := a.Tokens[c.UserToken]
	if t == nil {
		t = &Token{}
	}
	if err := a.failure(t.Failure); err != "" {
		return rules.Reply{Err: err}
	}
	answer := value.Obj(value.Member{Key: "active", Value: value.Boolean(false)})
	if t.Claims.Kind() == value.Object {
		answer = t.Claims.With("active", value.Boolean(true))
	}
	return rules.Reply{Status: 200, Body: answer.String()}
}

// failure returns the phrase of a failure, "" if there is an answer in time.
func (a *Answers) failure(f Failure) string {
	switch {
	case f.Fails != "":
		return f.Fails
	case a.Policy != nil && f.Delay >= a.Policy.Companion.Timeout:
		return string(failure.TimedOut)
	}
	return ""
}

// Phrases are the failures that the companion reports, and the one of the module
// where the companion does not answer.
var Phrases = []string{
	string(failure.TimedOut), string(failure.Refused), string(failure.Database), string(failure.Webhook),
	string(failure.NotConfigured), string(failure.BadCall), string(failure.TooLarge), string(failure.Internal),
	string(failure.Busy), string(failure.Unavailable), "no reply",
}

// Called reports whether calls has one to a target: a URL, `db.collection`, or the
// collection alone.
func (r *Result) Called(target string) bool {
	for i := range r.Calls {
		c := &r.Calls[i]
		if Target(&c.Call) == target || c.Kind == rules.Query && c.Col == target {
			return true
		}
	}
	return false
}

// Target names the target of a call: the URL, or `db.collection`.
func Target(c *rules.Call) string {
	if c.Kind == rules.Query {
		return c.DB + "." + c.Col
	}
	return c.URL
}

// SplitTable splits `db.collection`; the name of a collection may have points.
func SplitTable(name string) (db, collection string) {
	db, collection, _ = strings.Cut(name, ".")
	return db, collection
}
