package decide_test

import (
	"strings"
	"testing"
)

// TestFieldLimit: a form or a query of more than limits.fields fields, 1000 by
// default, is refused where a rule reads it.
func TestFieldLimit(t *testing.T) {
	const (
		first = `{"rule": "match", "type": "string", "eval": "==", "f1": "args.params.a", "f2": "1"}`
		query = `{"rule": "match", "type": "string", "eval": "==", "f1": "args.request.query.a", "f2": "1"}`
		form  = "\ncontent-type: application/x-www-form-urlencoded\n\n"
	)
	most, over := "a=1"+strings.Repeat("&b=", 999), "a=1"+strings.Repeat("&b=", 1000)
	runAll(t, parts{requestBody: 10_000, routes: strings.Join([]string{
		`{"name": "params", "match": {"path": "/params"}, "auth": "none", "rule": ` + first + `}`,
		`{"name": "query", "match": {"path": "/query"}, "auth": "none", "rule": ` + query + `}`,
		`{"name": "open", "match": {"path": "/open"}, "rule": ` + open + `}`,
	}, ",")}, []test{
		{name: "form", request: "POST /params" + form + most},
		{name: "form with one more", request: "POST /params" + form + over, status: 413, outcome: "invalid"},
		{name: "parameters", request: "GET /params?" + most},
		{name: "parameters with one more", request: "GET /params?" + over, status: 400, outcome: "invalid"},
		{name: "query", request: "GET /query?" + most},
		{name: "query with one more", request: "GET /query?" + over, status: 400, outcome: "invalid"},
		{name: "a query that no rule reads", request: "GET /open?" + over},
	})
}
