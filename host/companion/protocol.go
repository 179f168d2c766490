package companion

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/tidwall/gjson"
)

// call is a call as it came. Keys are compared exactly, which encoding/json does
// not; a key that is not known is refused.
type call struct {
	id    string
	kind  string
	cache time.Duration
	bad   error  // it has an id but cannot be run
	lane  string // the target's name for metrics, once it is known to be one

	// query
	db, col string
	find    value.Value
	where   query.Expr
	columns []string
	limit   int

	// webhook
	url     string
	headers map[string]string
	vary    string // what tells users apart in the cache, when it is not a header
	body    value.Value
}

// decodeCalls reads the body of a request. A fault of the whole is an error; one
// of a single call is in its bad, so that the others are answered.
func decodeCalls(body string, l Limits) ([]*call, error) {
	v, err := value.Parse(body, l.Depth)
	if err != nil {
		return nil, err
	}
	list := v.Key("calls")
	// The nonce is for the seal alone, which is over the whole body.
	nonce := v.Key("nonce").Kind()
	if list.Kind() != value.Array || v.Without("nonce").Len() != 1 || nonce != value.Missing && nonce != value.String {
		return nil, errors.New("want an object with calls, a nonce, and nothing else")
	}
	if n := list.Len(); n > l.Calls {
		return nil, fmt.Errorf("%d calls, at most %d are allowed", n, l.Calls)
	}
	var calls []*call
	seen := map[string]bool{}
	list.Each(func(_ string, x value.Value) bool {
		c := &call{}
		if id, ok := x.Key("id").Text(); !ok || seen[id] {
			err = fmt.Errorf("calls[%d]: want an id of its own", len(calls))
		} else {
			c.id = id
		}
		seen[c.id] = true
		c.bad = c.decode(x)
		calls = append(calls, c)
		return err == nil
	})
	return calls, err
}

func (c *call) decode(v value.Value) (err error) {
	known := map[string]map[string]func(value.Value) error{
		"query": {
			"db": text(&c.db), "col": text(&c.col), "limit": c.setLimit, "columns": c.setColumns,
			"find": func(v value.Value) error { c.find = v; return nil },
		},
		"webhook": {
			"url": text(&c.url), "vary": text(&c.vary), "headers": c.setHeaders,
			"body": func(v value.Value) error { c.body = v; return nil },
		},
	}
	c.kind, _ = v.Key("kind").Text()
	fields, ok := known[c.kind]
	if !ok {
		return errors.New("unknown kind")
	}
	v.Each(func(key string, x value.Value) bool {
		switch set, ok := fields[key]; {
		case key == "id" || key == "kind":
		case key == "cache":
			err = c.setCache(x)
		case !ok:
			err = fmt.Errorf("unknown key %q", key)
		default:
			err = set(x)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", key, err)
		}
		return err == nil
	})
	switch {
	case err != nil:
		return err
	case c.kind == "webhook" && c.body.Kind() == value.Missing:
		return errors.New("want a body")
	}
	if c.where, err = query.Parse(c.find); err != nil {
		return fmt.Errorf("find: %w", err)
	}
	return nil
}

func text(to *string) func(value.Value) error {
	return func(v value.Value) error {
		s, ok := v.Text()
		if !ok {
			return errors.New("want a string")
		}
		*to = s
		return nil
	}
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
		err = text(&name)(x)
		c.columns = append(c.columns, name)
		return err == nil
	})
	return err
}

func (c *call) setHeaders(v value.Value) (err error) {
	if v.Kind() != value.Object {
		return errors.New("want an object of strings")
	}
	c.headers = map[string]string{}
	v.Each(func(key string, x value.Value) bool {
		var value string
		err = text(&value)(x)
		c.headers[key] = value
		return err == nil
	})
	return err
}

// answer is what a call brought, without the call's id: rows, or a status and body.
type answer struct {
	rows   []byte // JSON array
	status int
	body   string
	at     time.Time // when the call that brought it began
}

func (a answer) size() int { return len(a.rows) + len(a.body) }

// appendReply writes the reply to a call; failed is "" or what the module is told.
func appendReply(out []byte, id string, a answer, failed string) []byte {
	out = gjson.AppendJSONString(append(out, `{"id":`...), id)
	switch {
	case failed != "":
		out = gjson.AppendJSONString(append(out, `,"error":`...), failed)
	case a.rows != nil:
		out = append(append(out, `,"rows":`...), a.rows...)
	default:
		out = strconv.AppendInt(append(out, `,"status":`...), int64(a.status), 10)
		out = gjson.AppendJSONString(append(out, `,"body":`...), a.body)
	}
	return append(out, '}')
}
