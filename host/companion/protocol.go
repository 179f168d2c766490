package companion

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/tidwall/gjson"
)

// call is a call of the module. Its keys are compared exactly, which encoding/json
// would not do, and an unknown key is refused.
type call struct {
	id    string
	kind  rules.CallKind // 0 for an unknown kind, which is malformed
	cache time.Duration  // how old a cached answer may be; 0: ask the target
	// malformed is why a call that has an id cannot be run.
	malformed error
	// pool is the name of the target's pool, for metrics. It stays "" until the
	// target is known to be configured, so that a call cannot invent label values.
	pool string
	took time.Duration // set when the call has ended
	// trace has the headers that a request of its own would have; of a call in a group.
	trace http.Header

	// of a query
	db, col string
	find    value.Value // as it came, for the cache's key
	where   query.Expr
	columns []string // nil: all
	limit   int      // rows; 0: the most

	// of a webhook
	url, gateway string
	token        string      // of the user
	claims       value.Value // to sign; Missing: token is sent
	headers      [][2]string
	body         value.Value

	clientID string // of a question to an issuer, beside url and token
}

// decodeCalls reads the body of a request. A fault of the body as a whole is an error.
// A fault of a single call is kept in the call, so that the others are answered. group is
// how long the answered calls may wait for the others; 0: the request is no group.
func decodeCalls(body string, l Limits) (calls []*call, group time.Duration, err error) {
	v, err := value.Parse(body, l.Depth)
	if err != nil {
		return nil, 0, err
	}
	if v, group, err = takeGroup(v); err != nil {
		return nil, 0, err
	}
	list := v.Key("calls")
	// The nonce only makes the seal unique, which covers the whole body.
	nonce := v.Key("nonce").Kind()
	if list.Kind() != value.Array || v.Without("nonce").Len() != 1 || nonce != value.Missing && nonce != value.String {
		return nil, 0, errors.New("want an object with calls, a nonce, and nothing else")
	}
	if n := list.Len(); n > l.Calls {
		return nil, 0, fmt.Errorf("%d calls, at most %d are allowed", n, l.Calls)
	}
	seen := map[string]bool{}
	list.Each(func(_ string, x value.Value) bool {
		c := &call{}
		if id, ok := x.Key("id").Text(); !ok || seen[id] {
			err = fmt.Errorf("calls[%d]: want an id that no other call has", len(calls))
		} else {
			c.id = id
		}
		seen[c.id] = true
		if group > 0 {
			x, c.malformed = c.takeTrace(x)
		}
		if c.malformed == nil {
			c.malformed = c.decode(x)
		}
		if group > 0 && c.malformed == nil && c.kind != rules.Query {
			c.malformed = errors.New("in a group: want a query")
		}
		calls = append(calls, c)
		return err == nil
	})
	return calls, group, err
}

func (c *call) decode(v value.Value) (err error) {
	var set func(key string, v value.Value) error
	switch kind, _ := v.Key("kind").Text(); kind {
	case rules.Query.String():
		c.kind, set = rules.Query, c.setQuery
	case rules.Webhook.String():
		c.kind, set = rules.Webhook, c.setWebhook
	case rules.Introspect.String():
		c.kind, set = rules.Introspect, c.setIntrospect
	default:
		return errors.New("unknown kind")
	}
	v.Each(func(key string, x value.Value) bool {
		switch key {
		case "id", "kind":
		case "cache":
			err = c.setCache(x)
		default:
			err = set(key, x)
		}
		if err != nil {
			err = fmt.Errorf("%q: %w", key, err)
		}
		return err == nil
	})
	switch {
	case err != nil:
		return err
	case c.kind == rules.Webhook && c.body.Kind() == value.Missing:
		return errors.New("want a body")
	case c.kind == rules.Introspect && (c.url == "" || c.clientID == "" || c.token == ""):
		return errNoToken
	case c.token != "" && c.claims.Kind() != value.Missing:
		return errors.New("want a token or claims")
	}
	if c.where, err = query.Parse(c.find); err != nil {
		return fmt.Errorf("find: %w", err)
	}
	return nil
}

var errUnknownKey = errors.New("unknown key")

func (c *call) setQuery(key string, v value.Value) error {
	switch key {
	case "db":
		return setText(&c.db, v)
	case "col":
		return setText(&c.col, v)
	case "limit":
		return c.setLimit(v)
	case "columns":
		return c.setColumns(v)
	case "find":
		c.find = v
		return nil
	}
	return errUnknownKey
}

func (c *call) setWebhook(key string, v value.Value) error {
	switch key {
	case "url":
		return setText(&c.url, v)
	case "gateway":
		return setText(&c.gateway, v)
	case "token":
		return setText(&c.token, v)
	case "claims":
		if v.Kind() != value.Object {
			return errors.New("want an object")
		}
		c.claims = v
		return nil
	case "headers":
		return c.setHeaders(v)
	case "body":
		c.body = v
		return nil
	}
	return errUnknownKey
}

func setText(to *string, v value.Value) error {
	s, ok := v.Text()
	if !ok {
		return errors.New("want a string")
	}
	*to = s
	return nil
}

func (c *call) setCache(v value.Value) (err error) {
	s, _ := v.Text()
	if c.cache, err = time.ParseDuration(s); err != nil || c.cache <= 0 {
		return errors.New("want a duration above 0")
	}
	return nil
}

func (c *call) setLimit(v value.Value) (err error) {
	s, _ := v.Number()
	if c.limit, err = strconv.Atoi(s); err != nil || c.limit < 1 {
		return errors.New("want a number of rows")
	}
	return nil
}

func (c *call) setColumns(v value.Value) (err error) {
	if v.Kind() != value.Array {
		return errors.New("want an array of strings")
	}
	c.columns = []string{}
	v.Each(func(_ string, x value.Value) bool {
		var name string
		err = setText(&name, x)
		c.columns = append(c.columns, name)
		return err == nil
	})
	return err
}

func (c *call) setHeaders(v value.Value) (err error) {
	if v.Kind() != value.Object {
		return errors.New("want an object of strings")
	}
	v.Each(func(name string, x value.Value) bool {
		var text string
		err = setText(&text, x)
		c.headers = append(c.headers, [2]string{name, text})
		return err == nil
	})
	return err
}

// appendReply writes the reply to a call. failed is "" or the failure that the module
// is told. If the module may keep the answer, and it is older than the request, it has its
// age in milliseconds.
func appendReply(out []byte, id string, a target.Answer, failed string, kept bool, received time.Time) []byte {
	out = gjson.AppendJSONString(append(out, `{"id":`...), id)
	switch {
	case failed != "":
		out = gjson.AppendJSONString(append(out, `,"error":`...), failed)
	case a.Rows != nil:
		out = append(append(out, `,"rows":`...), a.Rows...)
	default:
		out = strconv.AppendInt(append(out, `,"status":`...), int64(a.Status), 10)
		out = gjson.AppendJSONString(append(out, `,"body":`...), a.Body)
	}
	if age := received.Sub(a.Begun); kept && failed == "" && age > 0 {
		out = strconv.AppendInt(append(out, `,"age":`...), int64((age+time.Millisecond-1)/time.Millisecond), 10)
	}
	return append(out, '}')
}
