package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
)

// Kind is a kind of difference.
type Kind string

const (
	Allow    Kind = "allow"    // refused before, allowed now
	Refuse   Kind = "refuse"   // allowed before, refused now
	Status   Kind = "status"   // refused before and now, with another status or message
	Upstream Kind = "upstream" // allowed before and now; the upstream gets another request
	Mask     Kind = "mask"     // allowed before and now; the client gets another response
)

// Kinds are all kinds, the gravest first.
var Kinds = []Kind{Allow, Refuse, Mask, Upstream, Status}

// Difference is one kind of difference between two policies for a pair of their
// resources.
type Difference struct {
	Kind Kind
	// Before and After are the decisions about the request: `refused with 403`, `allowed`.
	Before, After string
	// Parts are those that differ: of the request to the upstream, or of the response.
	Parts []string
	// Shows reports that the client gets something that it did not get before: an
	// allowed request, a response, or a part of one.
	Shows bool
	// Hides reports that the client got a part of the upstream's response that it does
	// not get now, and nothing the other way round.
	Hides bool
	// Failed reports that one of the refusals is for a failed call.
	Failed bool
	// Resources are the names of the two resources, "" for none.
	Resources [2]string
	Place     string      // of the clause that refuses; "": none does
	Name      string      // of that clause, or of the nearest around it that has one
	Case      *Case       // the smallest request
	want      value.Value // of a test that the old policy passes
}

// key is equal for differences of one kind. A report shows the smallest request of each
// kind. All requests that are allowed now are one kind, and so are all that are refused
// now, whatever their status.
func (d *Difference) key() string {
	before, after := d.Before, d.After
	if d.Kind != Status || d.Failed {
		before, after = stage(before), stage(after)
	}
	return strings.Join(append([]string{string(d.Kind), before, after, fmt.Sprint(d.Shows, d.Failed)}, d.Parts...), "|")
}

// stage is a state without its status.
func stage(state string) string {
	s, _, _ := strings.Cut(state, " with")
	return s
}

// differences compares the decisions of two policies about a request.
func differences(t *trial) (out []*Difference) {
	a, b := t.results[0], t.results[1]
	was, is := a.Upstream != nil, b.Upstream != nil
	d := &Difference{Before: stateOf(a), After: stateOf(b), Case: t.c}
	switch {
	case was != is:
		d.turn(is, a, b)
		return []*Difference{d}
	case !was:
		if a.Status != b.Status || a.Client.Body != b.Client.Body {
			d.Kind = Status
			d.Failed = a.Outcome == decide.Failed || b.Outcome == decide.Failed
			if a.Status == b.Status {
				d.Parts = []string{"message"}
			}
			return []*Difference{d}
		}
		return nil
	}
	if parts := upstreamParts(a.Upstream, b.Upstream); len(parts) > 0 {
		u := *d
		u.Before, u.After, u.Kind, u.Parts = "allowed", "allowed", Upstream, parts
		u.want = wantUpstream(a.Upstream, parts)
		out = append(out, &u)
	}
	return append(out, responses(d, a, b)...)
}

// responses compares the responses that the client gets.
func responses(d *Difference, a, b *simulate.Result) []*Difference {
	was, is := a.Outcome == decide.Yes, b.Outcome == decide.Yes
	switch {
	case was != is:
		d.turn(is, a, b)
		return []*Difference{d}
	case !was:
		if a.Status == b.Status {
			return nil
		}
		d.Kind = Status
		return []*Difference{d}
	}
	parts, shows := responseParts(a.Client, b.Client, d.Case)
	if len(parts) == 0 {
		return nil
	}
	_, hides := responseParts(b.Client, a.Client, d.Case)
	if body, err := value.Parse(a.Client.Body, policyDepth); err == nil {
		d.want = value.Obj(value.Member{Key: "json", Value: body})
	}
	d.Kind, d.Parts, d.Shows, d.Hides = Mask, parts, shows, hides && !shows
	return []*Difference{d}
}

// wantUpstream is the part of a request to the upstream that differs, as a test has it.
func wantUpstream(f *simulate.Forwarded, parts []string) value.Value {
	headers, out := value.Obj(), value.Obj()
	for _, p := range parts {
		name, ok := strings.CutPrefix(p, "header ")
		switch values := simulate.Values(f.Headers, name); {
		case ok && len(values) > 0:
			headers = headers.With(name, value.Str(values[0]))
		case ok:
			headers = headers.With(name, value.NullValue)
		}
	}
	if body, err := value.Parse(f.Body, policyDepth); err == nil {
		out = out.With("json", body)
	}
	if headers.Len() > 0 {
		out = out.With("headers", headers)
	}
	return value.Obj(value.Member{Key: "status", Value: value.Str("allow")}, value.Member{Key: "upstream", Value: out})
}

// stateOf names the decision about a request.
func stateOf(r *simulate.Result) string {
	switch {
	case r.Outcome == decide.Yes:
		return "allowed"
	case r.Upstream != nil:
		return fmt.Sprintf("response refused with %d", r.Status)
	}
	return fmt.Sprintf("refused with %d", r.Status)
}

// turn makes d the difference of a request that one policy refuses.
func (d *Difference) turn(allowed bool, a, b *simulate.Result) {
	d.Kind, d.Shows = Refuse, allowed
	refusing := b
	if allowed {
		d.Kind, refusing = Allow, a
	}
	d.Place, d.Name = refusing.Place, refusing.Name
}

// upstreamParts lists the parts of a request that differ: path, query, body and
// headers by their names.
func upstreamParts(a, b *simulate.Forwarded) (parts []string) {
	if a.Method != b.Method {
		parts = append(parts, "method")
	}
	pathA, queryA, _ := strings.Cut(a.Target, "?")
	pathB, queryB, _ := strings.Cut(b.Target, "?")
	if pathA != pathB {
		parts = append(parts, "path")
	}
	if queryA != queryB {
		parts = append(parts, "query")
	}
	parts = append(parts, headerParts(a.Headers, b.Headers)...)
	body, _ := bodyParts(a.Body, b.Body, value.Value{}, "body")
	return append(parts, body...)
}

// responseParts lists the parts of a response that differ. shows reports that the
// second has a value of the upstream that the first has not.
func responseParts(a, b *simulate.Response, c *Case) (parts []string, shows bool) {
	parts = headerParts(a.Headers, b.Headers)
	body, shows := bodyParts(a.Body, b.Body, c.Response.Key(rules.RootRes), "res")
	return append(parts, body...), shows
}

func headerParts(a, b [][2]string) (parts []string) {
	var names []string
	for _, h := range slices.Concat(a, b) {
		if name := strings.ToLower(h[0]); name != "content-length" { // it follows the body
			names = appendNew(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Equal(simulate.Values(a, name), simulate.Values(b, name)) {
			parts = append(parts, "header "+name)
		}
	}
	return parts
}

// maxParts bounds the parts that a difference names.
const maxParts = 20

// bodyParts lists the places at which two JSON texts differ; the elements of arrays
// have one place. shows reports that b has a value of the original that a has not.
func bodyParts(a, b string, original value.Value, at string) (parts []string, shows bool) {
	if a == b {
		return nil, false
	}
	v, err1 := value.Parse(a, policyDepth)
	w, err2 := value.Parse(b, policyDepth)
	if err1 != nil || err2 != nil {
		return []string{at}, b != ""
	}
	var walk func(v, w, o value.Value, at string)
	walk = func(v, w, o value.Value, at string) {
		switch {
		case v.Kind() == w.Kind() && value.Equal(v, w) || len(parts) >= maxParts:
		case v.Kind() == value.Object && w.Kind() == value.Object:
			v.Each(func(key string, x value.Value) bool {
				walk(x, w.Key(key), o.Key(key), rules.Join(at, key))
				return true
			})
			w.Each(func(key string, y value.Value) bool {
				if v.Key(key).Kind() == value.Missing {
					walk(value.Value{}, y, o.Key(key), rules.Join(at, key))
				}
				return true
			})
		case v.Kind() == value.Array && w.Kind() == value.Array && v.Len() == w.Len():
			for i, x := range v.Elements() {
				walk(x, w.At(i), o.At(i), at+"[]")
			}
		default:
			parts = appendNew(parts, at)
			longer := v.Kind() == value.Array && w.Kind() == value.Array && w.Len() > v.Len()
			shows = shows || longer || w.Kind() == o.Kind() && value.Equal(w, o)
		}
	}
	walk(v, w, original, at)
	slices.Sort(parts)
	return parts, shows
}

const policyDepth = 512
