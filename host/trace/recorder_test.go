package trace

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func mustParse(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse(text, 64)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// recorded evaluates a rule until it waits no longer, answers its calls by their
// collection or URL, applies the response actions and returns the evaluation.
func recorded(t testing.TB, rule, define, args, response value.Value, replies map[string]rules.Reply, o Options) *Evaluation {
	t.Helper()
	env := &rules.Env{AESKey: make([]byte, 16), CanSign: true, Define: func(name string) (value.Value, string, bool) {
		v := define.Key(name)
		return v, "define." + name, v.Kind() != value.Missing
	}}
	r, faults := rules.Compile(rule, "rule", env)
	if faults != nil {
		t.Fatal(faults)
	}
	rec, memo := NewRecorder(o), rules.Memo{}
	token, _ := args.Key("token").Text()
	in := &rules.Input{Args: args, Verified: true, Token: token, Now: testNow, Tracer: rec}
	v := r.Eval(in, memo)
	for i := 0; i < 20 && v.Outcome == rules.Waiting; i++ {
		for _, c := range v.Calls {
			memo[c.ID] = replies[c.Col+c.URL]
		}
		v = r.Eval(in, memo)
	}
	if text := response.String(); response.Kind() != value.Missing && v.Outcome == rules.Yes {
		if _, err := rules.ApplyResponse(text, v.Response, 64, 0); err != nil {
			t.Log(err)
		}
	}
	return rec.Evaluations(r)[0]
}

// sectioned returns the sections of a case as JSON values.
func sectioned(t *testing.T, a *txtar.Archive) func(name string) value.Value {
	return func(name string) value.Value {
		for _, f := range a.Files {
			if f.Name == name {
				return mustParse(t, string(f.Data))
			}
		}
		return value.Value{}
	}
}

// TestRecorder compares the JSON of evaluations with testdata. The sections of a
// case: rule, define, args, replies by collection or URL, response, sensitive.
func TestRecorder(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			section := sectioned(t, a)
			replies := map[string]rules.Reply{}
			section("replies").Each(func(key string, v value.Value) bool {
				status, _ := value.Index(v.Key("status"))
				failure, _ := v.Key("error").Text()
				body := ""
				if b := v.Key("body"); b.Kind() != value.Missing {
					body = b.String()
				}
				replies[key] = rules.Reply{Rows: v.Key("rows"), Status: status, Body: body, Err: failure}
				return true
			})
			o := Options{Mask: NewMask(), Locate: func(place string) Position { return Position{Line: len(place)} }}
			section("sensitive").Each(func(_ string, v value.Value) bool {
				text, _ := v.Text()
				o.Mask.AddPath(strings.Split(text, ".")...)
				return true
			})
			e := recorded(t, section("rule"), section("define"), section("args"), section("response"), replies, o)
			e.Steps = 0 // which have tests of their own
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", " ")
			if err := enc.Encode(e); err != nil {
				t.Fatal(err)
			}
			got := out.Bytes()
			last := &a.Files[len(a.Files)-1]
			if *update {
				last.Data = got
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), string(got)); diff != "" || last.Name != "want" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

const secret = "s3cret-of-ana"

// TestMasked evaluates rules that read, copy and change a sensitive value in every
// way, and looks for it in the JSON. Each rule has a twin: the same rule without
// the mask shows the value.
func TestMasked(t *testing.T) {
	args := mustParse(t, `{"auth":{"email":"`+secret+`","list":[{"mail":"`+secret+`"}],"salary":98765},"token":"raw.token.value","k":"email","params":{"a":"b"},
	  "request":{"headers":{"authorization":"Bearer raw.token.value","x-note":"raw.token.value"}}}`)
	reply := map[string]rules.Reply{
		"c":         {Rows: mustParse(t, `[{"mail":"`+secret+`"}]`)},
		"http://h/": {Status: 200, Body: `{"mail":"` + secret + `"}`},
	}
	match := func(f1 string) string {
		return `{"rule":"match","type":"any","eval":"!=","f1":"` + f1 + `","f2":"x"}`
	}
	for _, rule := range []string{
		match("args.auth.email"), match("args.auth"), match("args.auth[args.k]"), match("utils.values(args.auth)"),
		match("utils.concat('a', args.auth.email)"), match("utils.default(args.auth.email, 'x')"), match("args.auth.list.0.mail"),
		`{"rule":"match","type":"string","eval":"in","f1":"x","f2":["args.auth.email","x"]}`,
		`{"rule":"match","type":"string","eval":"in","f1":"args.auth.email","f2":["a","b"]}`,
		`{"rule":"some","field":"args.auth.list","clause":` + match("item.mail") + `}`,
		`{"rule":"some","field":"args.auth.list","clause":` + match("item") + `}`,
		`{"rule":"some","field":"utils.values(args.auth)","clause":` + match("item") + `}`,
		`{"rule":"every","field":"utils.values(args.auth)","clause":` + match("item") + `}`,
		`{"rule":"filter","field":"args.auth.list","clause":` + match("item.mail") + `}`,
		`{"rule":"each","field":"args.auth.list","clauses":[{"rule":"force","field":"item.other","value":"item.mail"}]}`,
		`{"rule":"force","field":"args.params.b","value":"args.auth.email"}`,
		`{"rule":"and","clauses":[{"rule":"force","field":"args.params.b","value":"utils.concat(args.auth.email, '!')"},` + match("args.params.b") + `]}`,
		`{"rule":"and","clauses":[{"rule":"force","field":"args.params.b","value":"args.auth"},` + match("args.params.b.email") + `]}`,
		match("args.auth.salary"), `{"rule":"force","field":"args.params.b","value":"utils.add(args.auth.salary, 0)"}`,
		`{"rule":"and","clauses":[{"rule":"force","field":"args.params.b","value":"args.auth.salary"},` + match("args.params.b") + `]}`,
		`{"rule":"query","db":"d","col":"c","find":{"a":"args.auth.salary"}}`, `{"rule":"webhook","url":"http://h/","body":{"a":"args.auth.salary"}}`,
		`{"rule":"remove","fields":["args.auth.email"]}`, `{"rule":"keep","field":"args.auth","keys":["email"]}`,
		`{"rule":"query","db":"d","col":"c","find":{"a":"args.auth.email"}}`,
		`{"rule":"query","db":"d","col":"c","clause":` + match("args.result.0.mail") + `}`,
		`{"rule":"query","db":"d","col":"c","store":"args.rows"}`,
		`{"rule":"webhook","url":"http://h/"}`,
		`{"rule":"webhook","url":"http://h/","body":{"a":"args.auth.email"},"claims":{"b":"args.auth.email"},"headers":{"x-a":"args.auth.email"}}`,
		match("args.token"), match("args.request.headers"), match("utils.split(args.token, '.')"),
	} {
		o := Options{Mask: NewMask()}
		for _, p := range [][]string{{"auth", "email"}, {"auth", "salary"}, {"auth", "list", "mail"}, {"result", "mail"}, {"rows", "mail"}} {
			o.Mask.AddPath(p...)
		}
		shown, _ := json.Marshal(recorded(t, mustParse(t, rule), value.Value{}, args, value.Value{}, reply, o))
		for _, s := range []string{secret, "raw.token", "n.value", "98765"} {
			if strings.Contains(string(shown), s) {
				t.Errorf("%s\nshows %q: %s", rule, s, shown)
			}
		}
		open := Options{Mask: &Mask{}}
		bare, _ := json.Marshal(recorded(t, mustParse(t, rule), value.Value{}, args, value.Value{}, reply, open))
		if !strings.Contains(string(bare), secret) && !strings.Contains(string(bare), "98765") && !strings.Contains(rule, "token") && !strings.Contains(rule, "headers\"") {
			t.Errorf("%s\nshows nothing without the mask: %s", rule, bare)
		}
	}
}

// TestSizesAreBounded gives a recorder far too many elements and a large value.
func TestSizesAreBounded(t *testing.T) {
	list := "[" + strings.Repeat(`{"n":1},`, 5000) + `{"n":2}]`
	args := mustParse(t, `{"big":"`+strings.Repeat("x", 1<<20)+`","list":`+list+`}`)
	rule := mustParse(t, `{"rule":"and","clauses":[{"rule":"match","type":"string","eval":"!=","f1":"args.big","f2":"y"},
	  {"rule":"every","field":"args.list","clause":{"rule":"match","type":"number","eval":"<","f1":"item.n","f2":2}}]}`)
	e := recorded(t, rule, value.Value{}, args, value.Value{}, nil, Options{Limits: Limits{Clauses: 100}})
	text, _ := json.Marshal(e)
	if len(text) > 64<<10 {
		t.Errorf("the record has %d bytes", len(text))
	}
	all := e.Clause.Clauses[1].Elements
	if all.Count != 5001 || all.Yes != 5000 || all.No != 1 || len(all.Shown) != 6 {
		t.Errorf("elements: %+v", all)
	}
	if last := all.Shown[len(all.Shown)-1]; last.Index != 5000 || last.Outcome != No || !last.Clauses[0].Deciding {
		t.Errorf("the last element: %+v", last)
	}
	if e.LeftOut != 5004-100 {
		t.Errorf("left out: %d", e.LeftOut)
	}
	if v := e.Clause.Clauses[0].Operands[0].Value; !v.Cut {
		t.Errorf("the large value is not cut: %s", v.JSON)
	}
}

// TestDocumentsAreBounded evaluates a rule for many documents.
func TestDocumentsAreBounded(t *testing.T) {
	r, faults := rules.Compile(mustParse(t, `{"rule":"match","type":"number","eval":"<","f1":"args.doc.n","f2":99}`), "rule", &rules.Env{})
	if faults != nil {
		t.Fatal(faults)
	}
	rec := NewRecorder(Options{})
	r.Eval(&rules.Input{Args: value.Obj(value.Member{Key: "doc", Value: value.PendingValue}), Tracer: rec}, rules.Memo{})
	for i := range 100 {
		doc := value.Obj(value.Member{Key: "n", Value: value.Int(int64(i))})
		r.Eval(&rules.Input{Args: value.Obj(value.Member{Key: "doc", Value: doc}), Element: strconv.Itoa(i), Tracer: rec}, rules.Memo{})
	}
	var got []string
	for _, e := range rec.Evaluations(r) {
		got = append(got, e.Document+" "+string(e.Outcome))
	}
	if want := []string{"0 yes", "1 yes", "2 yes", "3 yes", "4 yes", "99 no"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
