package wire

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

func parsed(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEncode(t *testing.T) {
	claims := parsed(t, `{"id":"u1"}`)
	for _, c := range []struct {
		name string
		call rules.Call
		want string // "" for an error
	}{
		{"query", rules.Call{ID: "1", Kind: rules.Query, DB: "d", Col: "c", Limit: 5}, `{"id":"1","kind":"query","db":"d","col":"c","limit":5}`},
		{"query with all", rules.Call{ID: "0/a", Kind: rules.Query, DB: "d\"", Col: "c", Find: parsed(t, `{"a": {"$gt":1}}`), Columns: []string{"x", `y"`}, Limit: 1, Cache: 5 * time.Second},
			`{"id":"0/a","kind":"query","db":"d\"","col":"c","find":{"a": {"$gt":1}},"columns":["x","y\""],"limit":1,"cache":"5s"}`},
		{"query for no columns", rules.Call{ID: "1", Kind: rules.Query, DB: "d", Col: "c", Columns: []string{}}, `{"id":"1","kind":"query","db":"d","col":"c","columns":[]}`},
		{"webhook for a user", rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: parsed(t, `{"a":1}`), UserToken: "a.b.c"},
			`{"id":"1","kind":"webhook","url":"http://h/","gateway":"gw-1","token":"a.b.c","body":{"a":1}}`},
		{"webhook for nobody", rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: value.NullValue},
			`{"id":"1","kind":"webhook","url":"http://h/","gateway":"gw-1","body":null}`},
		{"webhook with claims", rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: value.NullValue, Claims: claims, UserToken: "not this"},
			`{"id":"1","kind":"webhook","url":"http://h/","gateway":"gw-1","claims":{"id":"u1"},"body":null}`},
		{"webhook with headers", rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: value.NullValue, Headers: [][2]string{{"X-B", "1"}, {"X-A", "\""}}, Cache: time.Minute},
			`{"id":"1","kind":"webhook","url":"http://h/","gateway":"gw-1","headers":{"X-B":"1","X-A":"\""},"body":null,"cache":"1m0s"}`},

		{"no id", rules.Call{Kind: rules.Query, DB: "d", Col: "c"}, ``},
		{"no kind", rules.Call{ID: "1", DB: "d", Col: "c"}, ``},
		{"no body", rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/"}, ``},
		{"a body that is not there yet", rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: value.PendingValue}, ``},
		{"claims that are no object", rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: value.NullValue, Claims: value.Str("x")}, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Encode([]rules.Call{c.call}, "gw-1")
			if c.want == "" {
				if err == nil {
					t.Errorf("want an error, found %s", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(`{"calls":[`+c.want+`]}`, withoutNonce(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var nonce = regexp.MustCompile(`,"nonce":"[0-9a-f]{32}"\}$`)

func withoutNonce(t *testing.T, body []byte) string {
	t.Helper()
	if !nonce.Match(body) {
		t.Errorf("no nonce: %s", body)
	}
	return nonce.ReplaceAllString(string(body), "}")
}

// Calls that ask the same have one key, whatever their ids and greatest ages; calls that
// ask something else have another.
func TestKey(t *testing.T) {
	query := rules.Call{ID: "1", Kind: rules.Query, DB: "d", Col: "c", Find: parsed(t, `{"a":1}`), Columns: []string{"x"}, Limit: 1, Cache: time.Second}
	hook := rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: parsed(t, `{"a":1}`), UserToken: "a.b.c", Headers: [][2]string{{"X-A", "1"}}}
	same := query
	same.ID, same.Cache = "2", time.Minute
	if a, b := Key(&query, "gw"), Key(&same, "gw"); a != b || a == "" {
		t.Errorf("%s and %s", a, b)
	}
	seen := map[string]string{}
	add := func(name string, c rules.Call, gateway string) {
		key := Key(&c, gateway)
		if other, ok := seen[key]; ok || key == "" {
			t.Errorf("%s has the key of %s: %s", name, other, key)
		}
		seen[key] = name
	}
	add("query", query, "gw")
	add("hook", hook, "gw")
	add("hook of another gateway", hook, "gw2")
	for name, change := range map[string]func(q, h *rules.Call){
		"db and url":        func(q, h *rules.Call) { q.DB, h.URL = "d2", "http://h/2" },
		"col and body":      func(q, h *rules.Call) { q.Col, h.Body = "c2", value.NullValue },
		"find and token":    func(q, h *rules.Call) { q.Find, h.UserToken = parsed(t, `{"a":"1"}`), "a.b.d" },
		"limit and headers": func(q, h *rules.Call) { q.Limit, h.Headers = 2, [][2]string{{"X-A", "2"}} },
		"columns, claims":   func(q, h *rules.Call) { q.Columns, h.Claims = nil, parsed(t, `{"id":"u"}`) },
		"no columns, token": func(q, h *rules.Call) { q.Columns, h.UserToken = []string{}, "" },
	} {
		q, h := query, hook
		change(&q, &h)
		add("query with other "+name, q, "gw")
		add("hook with other "+name, h, "gw")
	}
	if key := Key(&rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/"}, "gw"); key != "" {
		t.Errorf("a webhook without a body has the key %s", key)
	}
}

func TestEncodeSeveral(t *testing.T) {
	calls := []rules.Call{{ID: "1", Kind: rules.Query, DB: "d", Col: "c"}, {ID: "2", Kind: rules.Query, DB: "d", Col: "c"}}
	got, err := Encode(calls, "")
	want := `{"calls":[{"id":"1","kind":"query","db":"d","col":"c"},{"id":"2","kind":"query","db":"d","col":"c"}]}`
	if err != nil || withoutNonce(t, got) != want {
		t.Errorf("%s, %v", got, err)
	}
	// The seal of the one answer does not fit the other.
	if again, err := Encode(calls, ""); err != nil || string(again) == string(got) {
		t.Errorf("the same calls again: %s, %v", again, err)
	}
	calls[1].ID = "1"
	if got, err := Encode(calls, ""); err == nil {
		t.Errorf("one id twice: %s", got)
	}
	hook := []rules.Call{{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: value.NullValue}}
	if got, err := Encode(hook, ""); err != nil || !strings.Contains(string(got), `"gateway":"rulegate"`) {
		t.Errorf("a gateway without an id: %s, %v", got, err)
	}
}

var asked = []rules.Call{{ID: "q", Kind: rules.Query, Limit: 2}, {ID: "w", Kind: rules.Webhook}}

func TestDecodeReplies(t *testing.T) {
	for _, c := range []struct {
		name, replies string
		query, hook   string // rows or "err: …"; status and body or "err: …"
	}{
		{"both", `{"id":"q","rows":[{"a":1}]},{"id":"w","status":200,"body":"{\"x\":1}"}`, `[{"a":1}]`, `200 {"x":1}`},
		{"in the other order", `{"id":"w","status":404,"body":""},{"id":"q","rows":[]}`, `[]`, `404 `},
		{"none", ``, "err: " + errNoReply.Error(), "err: " + errNoReply.Error()},
		{"errors", `{"id":"q","error":"timeout"},{"id":"w","error":"refused"}`, "err: timeout", "err: refused"},
		{"one twice", `{"id":"q","rows":[]},{"id":"q","rows":[{}]},{"id":"w","status":200,"body":""}`, "err: " + errRepeated.Error(), "200 "},
		{"an error, then rows", `{"id":"q","error":"x"},{"id":"q","rows":[{}]}`, "err: " + errRepeated.Error(), "err: " + errNoReply.Error()},
		{"an error in our words, then rows", `{"id":"q","error":"no reply from the companion"},{"id":"q","rows":[{}]}`, "err: " + errRepeated.Error(), "err: " + errNoReply.Error()},
		{"unknown ids", `{"id":"x","rows":[]},{"id":1,"rows":[]},{"rows":[]},null,1,"q",["q"]`, "err: " + errNoReply.Error(), "err: " + errNoReply.Error()},
		{"an empty error", `{"id":"q","error":""},{"id":"w","error":1}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"rows and an error", `{"id":"q","rows":[],"error":"x"},{"id":"w","status":200,"body":"","error":"x"}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"rows that are no array", `{"id":"q","rows":{}},{"id":"w","status":200}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"rows of other things", `{"id":"q","rows":[{},1]},{"id":"w","status":200,"body":{}}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"rows null, status as text", `{"id":"q","rows":null},{"id":"w","status":"200","body":""}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"each other's", `{"id":"w","rows":[]},{"id":"q","status":200,"body":""}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"at the limit", `{"id":"q","rows":[{},{}]},{"id":"w","status":599,"body":""}`, `[{},{}]`, `599 `},
		{"over the limit", `{"id":"q","rows":[{},{},{}]},{"id":"w","status":600,"body":""}`, "err: " + errTooMany.Error(), "err: " + errMalformed.Error()},
		{"a status that is none", `{"id":"w","status":99,"body":""}`, "err: " + errNoReply.Error(), "err: " + errMalformed.Error()},
		{"a status with a point", `{"id":"w","status":200.0,"body":""}`, "err: " + errNoReply.Error(), "err: " + errMalformed.Error()},
		{"a status with an exponent", `{"id":"w","status":2e2,"body":""}`, "err: " + errNoReply.Error(), "err: " + errMalformed.Error()},
		{"ages", `{"id":"q","rows":[],"age":1500},{"id":"w","status":200,"body":"","age":0}`, `[] 1.5s`, `200 `},
		{"ages that are none", `{"id":"q","rows":[],"age":-1},{"id":"w","status":200,"body":"","age":"1"}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"ages beyond all", `{"id":"q","rows":[],"age":99999999999999999999},{"id":"w","status":200,"body":"","age":1e3}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"an age and nothing else", `{"id":"q","age":1},{"id":"w","status":200,"age":1}`, "err: " + errMalformed.Error(), "err: " + errMalformed.Error()},
		{"a key that nobody knows", `{"id":"q","rows":[],"more":1}`, "err: " + errMalformed.Error(), "err: " + errNoReply.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeReplies(`{"replies":[`+c.replies+`]}`, asked, 64)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{c.query, c.hook}, []string{shown(got[0]), shown(got[1])}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func shown(r rules.Reply) string {
	switch {
	case r.Age > 0:
		age := r.Age
		r.Age = 0
		return shown(r) + " " + age.String()
	case r.Err != "":
		return "err: " + r.Err
	case r.Status != 0:
		return value.Int(int64(r.Status)).String() + " " + r.Body
	}
	return r.Rows.String()
}

func TestDecodeRepliesRefusesTheWhole(t *testing.T) {
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"replies":{}}`, `{"replies":[],"x":1}`, `{"replies":[],"replies":[]}`, `{"replies":[]} ` + `x`, `{"replies":[{"id":"q","rows":[],"rows":[{}]}]}`,
		"{\"replies\":[{\"id\":\"q\",\"error\":\"\xff\"}]}", `{"replies":[{"id":"q","rows":[` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `]}]}`, `upstream connect error`,
	} {
		got, err := DecodeReplies(body, asked, 64)
		if err == nil {
			t.Errorf("%.60s was taken", body)
		}
		for i, r := range got {
			if r.Err == "" || r.ID != asked[i].ID {
				t.Errorf("%.60s: reply %d: %+v", body, i, r)
			}
		}
	}
}

// FuzzDecodeReplies: each call has one reply, either a failure or a reply of the
// form that the call asks for.
func FuzzDecodeReplies(f *testing.F) {
	f.Add(`{"replies":[{"id":"q","rows":[{"a":1}]},{"id":"w","status":200,"body":"x"}]}`)
	f.Add(`{"replies":[{"id":"q","error":"timeout"},{"id":"q","rows":[]}]}`)
	f.Add(`{"replies":[{"id":"w","status":-1,"body":""},null,[],{"id":"\u0071","rows":[{}]}]}`)
	f.Add(`{"replies":[{"id":"q","rows":[{"a":[[[[]]]]},{},{}]}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		got, _ := DecodeReplies(body, asked, 16)
		if len(got) != len(asked) {
			t.Fatalf("%d replies", len(got))
		}
		for i, r := range got {
			good := asked[i].Kind == rules.Query && r.Rows.Kind() == value.Array && r.Rows.Len() <= 2 && r.Status == 0 ||
				asked[i].Kind == rules.Webhook && r.Status >= 100 && r.Status <= 599 && r.Rows.Kind() == value.Missing
			if r.ID != asked[i].ID || r.Err == "" && !good {
				t.Fatalf("reply %d: %+v", i, r)
			}
		}
	})
}
