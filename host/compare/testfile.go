package compare

import (
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Test writes a case as a test of a policy: a whole file for `rulegate test`.
func (c *Case) Test(policy, name string, want value.Value) string {
	var b strings.Builder
	fmt.Fprintf(&b, "policy: %s\n", policyfile.Flow(value.Str(policy)))
	if c.Token && c.Valid {
		claims := c.Args.Key(rules.RootAuth)
		if claims.Kind() == value.Missing {
			claims = value.Obj()
		}
		fmt.Fprintf(&b, "who: {user: %s}\n", policyfile.Flow(claims))
	} else if c.Token {
		b.WriteString("who: {user: {token: not.a.token}}\n")
	}
	fmt.Fprintf(&b, "tests:\n  - name: %s\n", policyfile.Flow(value.Str(name)))
	member := func(key string, v value.Value) {
		if v.Kind() != value.Missing {
			fmt.Fprintf(&b, "    %s: %s\n", key, policyfile.Flow(v))
		}
	}
	if c.Token {
		member("as", value.Str("user"))
	}
	member("request", value.Str(c.Method+" "+c.Path))
	if c.Host != defaultHost {
		member("host", value.Str(c.Host))
	}
	request := c.Args.Key(rules.RootRequest)
	member("scheme", request.Key("scheme"))
	headers := request.Key("headers")
	if id := request.Key("id"); id.Kind() != value.Missing {
		headers = headers.With("x-request-id", id)
	}
	member("headers", headers)
	member("query", c.query)
	member("json", c.body)
	member("ip", request.Key("ip"))
	member("peer", c.Args.Key(rules.RootPeer))
	member("now", value.Str(c.Now.Format("2006-01-02T15:04:05.999999999Z07:00")))
	data, hooks := c.given()
	member("data", data)
	member("webhooks", hooks)
	response := value.Value{}
	if res := c.Response; c.answered {
		response = value.Obj().With("status", res.Key(rules.RootResponse).Key("status")).
			With("headers", res.Key(rules.RootResponse).Key("headers")).With("json", res.Key(rules.RootRes))
	}
	member("response", response)
	member("want", want)
	return b.String()
}

// given are the replies as `data` and `webhooks` of a test.
func (c *Case) given() (data, hooks value.Value) {
	for _, r := range c.Replies {
		fails := value.Obj(value.Member{Key: "fails", Value: value.Str(r.Reply.Err)})
		if r.Call.Kind == rules.Query {
			key, v := r.Call.DB+"."+r.Call.Col, r.Reply.Rows
			if r.Reply.Err != "" {
				v = fails
			} else if old := data.Key(key); old.Kind() == value.Array && v.Kind() == value.Array {
				v = value.Arr(append(old.Elements(), v.Elements()...)...)
			}
			data = data.With(key, v)
			continue
		}
		v := hookAnswer(r.Reply)
		if r.Reply.Err != "" {
			v = fails
		}
		hooks = hooks.With(r.Call.URL, v)
	}
	return data, hooks
}
