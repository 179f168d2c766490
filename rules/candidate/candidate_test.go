package candidate

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules/decide"
)

func text(s string) *string { return &s }

func through(c decide.Changes, response bool) *decide.Step {
	s := &decide.Step{Action: decide.Continue, Changes: c}
	if response {
		s.Response = &decide.Response{}
	}
	return s
}

func refusal(o decide.Outcome, status int) *decide.Step {
	return &decide.Step{Refusal: decide.Refusal{Outcome: o, Status: status}}
}

func taken(steps ...*decide.Step) *Decision {
	d := &Decision{}
	for _, s := range steps {
		d.Take(s)
	}
	return d
}

func TestCompare(t *testing.T) {
	var (
		came   = [][2]string{{":path", "/a?x=1"}, {"authorization", "Bearer t"}, {"X-Role", "user"}}
		pass   = through(decide.Changes{}, false)
		waits  = through(decide.Changes{}, true)
		no     = refusal(decide.No, 403)
		as     = func(c decide.Changes) *Decision { return taken(through(c, false)) }
		answer = func(body *string) *Decision { return taken(waits, through(decide.Changes{Body: body}, false)) }
	)
	for name, c := range map[string]struct {
		active, candidate *Decision
		want              []string
		parts             []string
		undone, unclear   bool
	}{
		"both let through":                               {active: taken(pass), candidate: taken(pass)},
		"nothing yet of the active one":                  {active: taken(), candidate: taken(pass), undone: true},
		"nothing yet of the candidate":                   {active: taken(no), candidate: taken(), undone: true},
		"refused by the candidate":                       {active: taken(pass), candidate: taken(no), want: []string{Denies}},
		"refused while the other waits for the response": {active: taken(waits), candidate: taken(no), want: []string{Denies}},
		"let through by the candidate":                   {active: taken(no), candidate: taken(waits), want: []string{Allows}},
		"both refuse alike":                              {active: taken(no), candidate: taken(refusal(decide.No, 403))},
		"both refuse, with another status":               {active: taken(no), candidate: taken(refusal(decide.No, 404)), want: []string{Outcome}},
		"both refuse, with another outcome":              {active: taken(no), candidate: taken(refusal(decide.Unknown, 403)), want: []string{Outcome}},
		"the response is open":                           {active: taken(waits), candidate: taken(pass), undone: true},
		"the candidate's response is open":               {active: taken(pass), candidate: taken(waits), undone: true},
		"the response is refused by the candidate":       {active: taken(pass), candidate: taken(waits, refusal(decide.Withheld, 502)), want: []string{Denies}},
		"the response is refused by the active one":      {active: taken(waits, no), candidate: taken(pass), want: []string{Allows}},
		"the request and the response are refused":       {active: taken(no), candidate: taken(waits, refusal(decide.No, 403)), want: []string{Outcome}},
		"both leave the body":                            {active: answer(nil), candidate: taken(pass)},
		"both change the body alike":                     {active: answer(text("{}")), candidate: answer(text("{}"))},
		"the candidate changes the body":                 {active: taken(pass), candidate: answer(text("{}")), want: []string{Masked}},
		"the active one changes the body":                {active: answer(text("{}")), candidate: answer(nil), want: []string{Masked}},
		"two other bodies":                               {active: answer(text("{}")), candidate: answer(text("[]")), want: []string{Masked}},
		"a header that did not come is removed":          {active: as(decide.Changes{RemoveHeaders: []string{"x-none"}}), candidate: taken(pass)},
		"a header that came is removed":                  {active: taken(pass), candidate: as(decide.Changes{RemoveHeaders: []string{"authorization"}}), want: []string{Upstream}, parts: []string{"authorization"}},
		"a header is set to its value":                   {active: taken(pass), candidate: as(decide.Changes{SetHeaders: [][2]string{{"x-role", "user"}}})},
		"a header gets another value":                    {active: taken(pass), candidate: as(decide.Changes{RemoveHeaders: []string{"x-role"}, SetHeaders: [][2]string{{"x-role", "admin"}}}), want: []string{Upstream}, parts: []string{"x-role"}},
		"the path is written as it came":                 {active: taken(pass), candidate: as(decide.Changes{Path: "/a?x=1"})},
		"the path differs":                               {active: taken(pass), candidate: as(decide.Changes{Path: "/a"}), want: []string{Upstream}, parts: []string{":path"}},
		"the body differs, and so its length": {
			active:    as(decide.Changes{Body: text("{}"), SetHeaders: [][2]string{{"content-length", "2"}}}),
			candidate: as(decide.Changes{Body: text("{ }"), SetHeaders: [][2]string{{"content-length", "3"}}}),
			want:      []string{Upstream}, parts: []string{"body"},
		},
		"the response to another request cannot be read": {
			active:    taken(pass),
			candidate: taken(through(decide.Changes{Path: "/b"}, true), refusal(decide.Withheld, 502)),
			want:      []string{Upstream, Denies}, parts: []string{":path"}, unclear: true,
		},
		"request and response differ": {
			active:    taken(pass),
			candidate: taken(through(decide.Changes{Path: "/b"}, true), through(decide.Changes{Body: text("{}")}, false)),
			want:      []string{Upstream, Masked}, parts: []string{":path"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Compare(c.active, c.candidate, came)
			want := &Difference{c.want, c.parts, c.unclear}
			if c.undone {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTape(t *testing.T) {
	var tape Tape
	a, b := &Reader{Tape: &tape}, &Reader{Tape: &tape}
	read := func(r io.Reader, n int) string {
		out := make([]byte, n)
		if _, err := io.ReadFull(r, out); err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	x := read(a, 12)
	y := read(b, 20)
	x += read(a, 12)
	y += read(b, 4)
	if x != y || x[:12] == x[12:] {
		t.Errorf("%x and %x", x, y)
	}
}
