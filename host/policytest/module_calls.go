//go:build !js

package policytest

import (
	"errors"
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// readCalls reads the calls that the module sends to the companion.
func readCalls(body string) ([]rules.Call, error) {
	doc, err := value.Parse(body, maxDepth)
	if err != nil {
		return nil, err
	}
	list := doc.Key("calls")
	if list.Kind() != value.Array {
		return nil, errors.New("want calls")
	}
	var calls []rules.Call
	for _, v := range list.Elements() {
		text := func(name string) string { s, _ := v.Key(name).Text(); return s }
		c := rules.Call{
			ID: text("id"), Kind: rules.Query, DB: text("db"), Col: text("col"), Find: v.Key("find"), Limit: integer(v.Key("limit"), 0),
			URL: text("url"), Body: v.Key("body"), Claims: v.Key("claims"), UserToken: text("token"),
		}
		switch text("kind") {
		case rules.Webhook.String():
			c.Kind = rules.Webhook
		case rules.Introspect.String():
			c.Kind = rules.Introspect
		}
		if columns := v.Key("columns"); columns.Kind() == value.Array {
			c.Columns = []string{}
			for _, x := range columns.Elements() {
				name, _ := x.Text()
				c.Columns = append(c.Columns, name)
			}
		}
		v.Key("headers").Each(func(name string, h value.Value) bool {
			s, _ := h.Text()
			c.Headers = append(c.Headers, [2]string{name, s})
			return true
		})
		calls = append(calls, c)
	}
	return calls, nil
}

// repliesText writes the replies to calls as the companion does.
func repliesText(calls []rules.Call, replies []rules.Reply) []byte {
	out := []byte(`{"replies":[`)
	for i, r := range replies {
		if i > 0 {
			out = append(out, ',')
		}
		out = value.AppendString(append(out, `{"id":`...), r.ID)
		switch {
		case r.Err != "":
			out = value.AppendString(append(out, `,"error":`...), r.Err)
		case calls[i].Kind == rules.Query:
			out = r.Rows.Append(append(out, `,"rows":`...))
		default:
			out = strconv.AppendInt(append(out, `,"status":`...), int64(r.Status), 10)
			out = value.AppendString(append(out, `,"body":`...), r.Body)
		}
		out = append(out, '}')
	}
	return append(out, `]}`...)
}
