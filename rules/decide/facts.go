package decide

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Facts are the parts of a request that the line of its decision in a log may have.
// They are those of the Request, and valid as long.
type Facts struct {
	Headers [][2]string // as they came
	Args    value.Value // as far as the rule has needed them, before it ran
	// Verified: the request has a valid token or API key, with these Claims.
	Verified bool
	Claims   value.Value

	token, apiKey string
}

// Facts returns what is known of the request so far.
func (r *Request) Facts() Facts {
	return Facts{Headers: r.came, Verified: r.verified, Claims: r.claims, Args: r.args, token: r.token, apiKey: r.apiKey}
}

// Header returns the first value of a field, whose name is in lower case.
func (f *Facts) Header(name string) string {
	for _, field := range f.Headers {
		if strings.EqualFold(field[0], name) {
			return field[1]
		}
	}
	return ""
}

// HasSecret reports whether a text holds the token or the API key of the request.
func (f *Facts) HasSecret(text string) bool {
	return f.token != "" && strings.Contains(text, f.token) || f.apiKey != "" && strings.Contains(text, f.apiKey)
}

// maxMasked bounds the paths that Masked returns.
const maxMasked = 100

// Masked returns the paths of the body that the rules have changed or removed, such as
// res.salary, once the response goes on. Of what a rule has changed in args.res it names
// the first keys.
func (r *Response) Masked() (paths []string) {
	for i := range r.applied {
		if len(paths) == maxMasked {
			return paths
		}
		paths = appendNew(paths, "res."+strings.Join(r.applied[i].Path(), "."))
	}
	before := r.input.Args.Key(rules.RootRes)
	switch {
	case r.after.Kind() == value.Missing:
		return paths
	case before.Kind() != value.Object || r.after.Kind() != value.Object:
		return appendNew(paths, rules.RootRes)
	}
	add := func(v, other value.Value) {
		seen := 0
		v.Each(func(key string, x value.Value) bool {
			if now := other.Key(key); now.Kind() != x.Kind() || now.String() != x.String() {
				paths = appendNew(paths, "res."+key)
			}
			seen++
			return seen < maxMasked && len(paths) < maxMasked
		})
	}
	add(before, r.after)
	add(r.after, before)
	return paths
}
