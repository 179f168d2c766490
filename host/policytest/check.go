package policytest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// Difference is one expectation that was not met.
type Difference struct {
	What string `json:"what"` // `status`, `upstream.json` …
	Want string `json:"want"` // a text, or JSON with a member in each line
	Got  string `json:"got"`
}

// checker compares a result with a case's want.
type checker struct {
	result *simulate.Result
	found  []Difference
}

// check returns the differences between a result and the case's want.
func (c *Case) check(result *simulate.Result) []Difference {
	k := &checker{result: result}
	w := c.want
	k.status(w.status)
	k.refusal(w)
	if w.route != "" {
		got := ""
		if result.Resource != nil {
			got = result.Resource.Name
		}
		k.text("route", w.route, got)
	}
	if w.upstream != nil {
		k.upstream(w.upstream)
	}
	k.client(&w.client)
	if w.calls != nil {
		k.calls(w.calls)
	}
	return k.found
}

func (k *checker) differ(what, want, got string) {
	k.found = append(k.found, Difference{what, want, got})
}

func (k *checker) text(what, want, got string) {
	if want != got {
		k.differ(what, want, got)
	}
}

// passed reports whether the request passes, and its response.
func passed(r *simulate.Result) bool { return r.Outcome == decide.Yes }

// statusOf returns allow or the status, as tests spell it.
func statusOf(r *simulate.Result) string {
	switch {
	case passed(r) && r.Client == nil:
		return "allow"
	case passed(r):
		return fmt.Sprintf("allow (%d)", r.Status)
	}
	return strconv.Itoa(r.Status)
}

func (k *checker) status(want string) {
	r := k.result
	same := true
	switch want {
	case "":
	case "allow":
		same = passed(r)
	case "deny":
		same = !passed(r)
	default:
		same = want == strconv.Itoa(r.Status)
	}
	if !same {
		k.differ("status", want, statusOf(r))
	}
}

func (k *checker) refusal(w *want) {
	r := k.result
	if e := w.refusal.json; e.Kind() != value.Missing {
		want, _ := e.Key("error").Text()
		if passed(r) {
			k.differ("error", want, "no error: "+statusOf(r))
		} else if body, err := value.Parse(r.Client.Body, 8); err != nil || !value.Equal(body, e) {
			got, _ := body.Key("error").Text()
			k.differ("error", want, got)
		}
	}
	if w.reason != "" && (passed(r) || !strings.Contains(r.Reason, w.reason)) {
		k.differ("reason", w.reason, orNone(r.Reason))
	}
	if w.clause != "" && (passed(r) || w.clause != r.Name && w.clause != r.Place) {
		got := r.Place
		if r.Name != "" {
			got = r.Name + " (" + r.Place + ")"
		}
		k.differ("clause", w.clause, orNone(got))
	}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func (k *checker) upstream(w *upstreamWant) {
	u := k.result.Upstream
	if u == nil {
		k.differ("upstream", "a request", "none: "+statusOf(k.result))
		return
	}
	path, query, _ := strings.Cut(u.Target, "?")
	if w.method != "" {
		k.text("upstream.method", w.method, u.Method)
	}
	if w.path != "" {
		k.text("upstream.path", w.path, path)
	}
	if w.hasQuery {
		k.pairs("upstream.query", w.query, query)
	}
	k.message("upstream.", &w.message, u.Headers, u.Body)
}

func (k *checker) client(w *message) {
	c := k.result.Client
	if c == nil {
		if len(w.headers) > 0 || w.json.Kind() != value.Missing || w.body != nil {
			k.differ("answer", "an answer", "none: "+statusOf(k.result))
		}
		return
	}
	k.message("", w, c.Headers, c.Body)
}

func (k *checker) message(prefix string, w *message, headers [][2]string, body string) {
	for _, h := range w.headers {
		if got := simulate.Values(headers, h.name); !slices.Equal(got, h.values) {
			k.differ(prefix+"headers."+h.name, headerText(h.values), headerText(got))
		}
	}
	switch {
	case w.body != nil:
		k.text(prefix+"body", *w.body, body)
	case w.hasForm:
		k.pairs(prefix+"form", w.form, body)
	case w.json.Kind() != value.Missing:
		got, err := value.Parse(body, maxDepth)
		if err != nil {
			k.differ(prefix+"json", pretty(w.json), "no JSON: "+strconv.Quote(body))
		} else if !fits(w.json, got) {
			k.differ(prefix+"json", pretty(w.json), pretty(got))
		}
	}
}

// maxDepth bounds the nesting of bodies that are compared.
const maxDepth = 512

func headerText(values []string) string {
	if values == nil {
		return "absent"
	}
	return strings.Join(values, "\n")
}

// pairs compares a query or a form. The order of the names does not matter, that of the
// values of one name does.
func (k *checker) pairs(what string, want [][2]string, got string) {
	list, err := httpfield.ParseForm(got)
	if err != nil {
		k.differ(what, pairsText(want), got)
		return
	}
	found := make([][2]string, len(list))
	for i, p := range list {
		found[i] = [2]string{p.Name, p.Value}
	}
	k.text(what, pairsText(want), pairsText(found))
}

func pairsText(pairs [][2]string) string {
	sorted := slices.Clone(pairs)
	slices.SortStableFunc(sorted, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	lines := make([]string, len(sorted))
	for i, p := range sorted {
		lines[i] = p[0] + "=" + p[1]
	}
	return strings.Join(lines, "\n")
}

func (k *checker) calls(w *callsWant) {
	if w.exact {
		var want, got []string
		for _, c := range w.calls {
			want = append(want, c.target)
		}
		for i := range k.result.Calls {
			if c := &k.result.Calls[i].Call; c.Kind != rules.Introspect { // not a rule's
				got = append(got, simulate.Target(c))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			k.differ("calls", orNone(strings.Join(want, "\n")), orNone(strings.Join(got, "\n")))
		}
		return
	}
	for _, c := range w.calls {
		k.call(&c)
	}
}

func (k *checker) call(w *callWant) {
	what := "calls." + w.target
	made := callsTo(w.target, k.result)
	switch {
	case w.not && len(made) > 0:
		k.differ(what, "not made", "made")
	case w.not:
	case len(made) == 0:
		k.differ(what, "made", "not made")
	case w.times > 0 && w.times != len(made):
		k.differ(what+".times", strconv.Itoa(w.times), strconv.Itoa(len(made)))
	default:
		k.asked(what, w, made)
	}
}

// asked compares the content of the calls to one target: one of them must be as wanted.
func (k *checker) asked(what string, w *callWant, made []*simulate.Call) {
	var first []Difference
	for _, c := range made {
		before := k.found
		if w.find.Kind() != value.Missing && !fits(w.find, c.Find) {
			k.differ(what+".find", pretty(w.find), pretty(c.Find))
		}
		if w.json.Kind() != value.Missing && !fits(w.json, c.Body) {
			k.differ(what+".json", pretty(w.json), pretty(c.Body))
		}
		if w.claims.Kind() != value.Missing && !fits(w.claims, c.Claims) {
			k.differ(what+".claims", pretty(w.claims), pretty(c.Claims))
		}
		k.callHeaders(what, w, c)
		mine := k.found[len(before):]
		k.found = before
		if len(mine) == 0 {
			return
		}
		if first == nil {
			first = slices.Clone(mine)
		}
	}
	k.found = append(k.found, first...)
}

// callHeaders compares headers that the rule adds to a webhook.
func (k *checker) callHeaders(what string, w *callWant, c *simulate.Call) {
	w.headers.Each(func(name string, want value.Value) bool {
		got := value.NullValue
		for _, h := range c.Headers {
			if strings.EqualFold(h[0], name) {
				got = value.Str(h[1])
			}
		}
		if !fits(want, got) {
			k.differ(what+".headers."+strings.ToLower(name), pretty(want), pretty(got))
		}
		return true
	})
}
