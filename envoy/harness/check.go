package harness

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// Seen is the result of one request in a runner.
type Seen struct {
	Response
	Upstream []*Received
	Batches  [][]Call // the batches of calls that the companion got
}

// Check compares the result with the wanted one and returns a line for each
// difference.
func (r *Request) Check(w *Want, s *Seen) (faults []string) {
	bad := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if s.Status != w.Status {
		bad("status: want %d, found %d %s", w.Status, s.Status, s.Body)
	}
	if want := errorBody(w.Error); w.Error != "" && !SameBody(want, s.Body) {
		bad("answer: want %s, found %s", want, s.Body)
	}
	for _, h := range w.Headers {
		if got := s.Headers[h.Name]; !h.fits(got) {
			bad("answer's header %s: want %q, found %q", h.Name, h.Values, got)
		}
	}
	if r.Got != nil && s.Body != *r.Got {
		bad("answer's body: want %q, found %q", *r.Got, s.Body)
	}
	if r.Answer != nil {
		r.checkSecret(s, bad)
	}
	switch denied := r.denied(w); {
	case denied && len(s.Upstream) > 0:
		bad("upstream: want nothing, found %s %s", s.Upstream[0].Method, s.Upstream[0].Target)
	case !denied && len(s.Upstream) != 1:
		bad("upstream: want one request, found %d", len(s.Upstream))
	case !denied:
		r.checkUpstream(w.Upstream, s.Upstream[0], bad)
	}
	if r.Calls != nil {
		for _, f := range compareCalls(*r.Calls, s.Batches) {
			bad("%s", f)
		}
	}
	return faults
}

func (r *Request) checkUpstream(u *upstreamWant, got *Received, bad func(string, ...any)) {
	method, target, body := r.Method, r.Target, r.Body
	if u != nil {
		method, target = u.Method, u.Target
		if u.Body != nil {
			body = *u.Body
		}
		for _, h := range u.Headers {
			if values := got.Headers[h.Name]; !h.fits(values) {
				bad("upstream's header %s: want %q, found %q", h.Name, h.Values, values)
			}
		}
	}
	if got.Method != method || got.Target != target {
		bad("upstream: want %s %s, found %s %s", method, target, got.Method, got.Target)
	}
	if !SameBody(body, got.Body) {
		bad("upstream's body: want %s, found %s", body, got.Body)
	}
	if l := got.Headers["content-length"]; len(l) > 0 && l[0] != fmt.Sprint(len(got.Body)) {
		bad("upstream: content-length %s with a body of %d", l[0], len(got.Body))
	}
}

// checkSecret searches the whole response to the client for the word SECRET,
// which marks the parts of the upstream's responses that must be hidden.
func (r *Request) checkSecret(s *Seen, bad func(string, ...any)) {
	if strings.Contains(s.Body, "SECRET") {
		bad("the client got SECRET: %s", s.Body)
	}
	for name, values := range s.Headers {
		if strings.Contains(strings.Join(values, " "), "SECRET") {
			bad("the client got SECRET in header %s", name)
		}
	}
	if l := s.Headers["content-length"]; r.Method != "HEAD" && len(l) > 0 && l[0] != fmt.Sprint(len(s.Body)) {
		bad("content-length %s with a body of %d", l[0], len(s.Body))
	}
}

// errorBody returns the body of a denial.
func errorBody(text string) string { return JSON(map[string]string{"error": text}) }

func (h headerWant) fits(got []string) bool {
	if len(got) != len(h.Values) {
		return false
	}
	for i := range got {
		if !fitsText(h.Values[i], got[i]) {
			return false
		}
	}
	return true
}

// fitsText reports whether got is want, in which {{any}} stands for any text.
func fitsText(want, got string) bool {
	parts := strings.Split(want, anyText)
	if len(parts) == 1 {
		return want == got
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(got, first) || !strings.HasSuffix(got[len(first):], last) {
		return false
	}
	got = got[len(first) : len(got)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		_, after, ok := strings.Cut(got, p)
		if !ok {
			return false
		}
		got = after
	}
	return true
}

// compareCalls compares the members that the case names; others may have any
// value.
func compareCalls(want, got [][]Call) (faults []string) {
	if len(want) == 1 && len(got) != 1 { // the case lists calls, in any batches
		got = [][]Call{flat(got)}
	}
	if len(want) == 0 && len(flat(got)) == 0 {
		return nil
	}
	if len(want) != len(got) {
		return []string{fmt.Sprintf("calls: want %d batches, found %d: %s", len(want), len(got), JSON(got))}
	}
	for b := range want {
		if len(want[b]) != len(got[b]) {
			return []string{fmt.Sprintf("calls: want %s, found %s", JSON(want[b]), JSON(got[b]))}
		}
		for i := range want[b] {
			for name, w := range want[b][i] {
				g, there := got[b][i][name]
				if w == nil && !there {
					continue // null: the member must be absent
				}
				if name == "headers" {
					g = onlyWanted(w, g)
				}
				if !sameJSON(w, g) {
					faults = append(faults, fmt.Sprintf("calls[%d].%s: %s", i, name, cmp.Diff(w, g)))
				}
			}
		}
	}
	return faults
}

// onlyWanted returns the headers that the case names, with names in lower case.
// null wants the header to be absent; an object is compared with the claims of
// the header's bearer token.
func onlyWanted(want, got any) any {
	w, _ := want.(map[string]any)
	g, _ := got.(map[string]any)
	there := map[string]any{}
	for name, v := range g {
		there[strings.ToLower(name)] = v
	}
	out := map[string]any{}
	for name, v := range w {
		out[name] = there[name]
		if _, claims := v.(map[string]any); claims {
			out[name] = tokenClaims(there[name])
		}
	}
	return out
}

func flat(batches [][]Call) (all []Call) {
	for _, b := range batches {
		all = append(all, b...)
	}
	return all
}
