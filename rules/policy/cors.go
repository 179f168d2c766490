package policy

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// CORS says which pages of other origins may read responses, by the CORS protocol
// of the Fetch standard (https://fetch.spec.whatwg.org/#http-cors-protocol). The
// proxy answers preflights, so the module never sees one.
type CORS struct {
	// Origins are origins as browsers send them, patterns such as
	// https://*.shop.example, or only *.
	Origins     []string
	Methods     []string // beside GET, HEAD and POST; or only *
	Headers     []string // lower case; or only *
	Expose      []string // lower case; or only *
	Credentials bool
	MaxAge      string // seconds; "": the browser's default
}

// Allows reports whether pages of an origin may read responses.
func (c *CORS) Allows(origin string) bool {
	return c != nil && origin != "" && slices.ContainsFunc(c.Origins, func(allowed string) bool {
		return allowed == "*" || matchesOrigin(allowed, origin)
	})
}

// matchesOrigin reports whether an entry of origins covers an origin: a star stands
// for one label of a host's name, or for several.
func matchesOrigin(entry, origin string) bool {
	before, after, pattern := strings.Cut(entry, "*")
	if !pattern {
		return entry == origin
	}
	if len(origin) <= len(before)+len(after) || !strings.HasPrefix(origin, before) || !strings.HasSuffix(origin, after) {
		return false
	}
	for label := range strings.SplitSeq(origin[len(before):len(origin)-len(after)], ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// ResponseHeaders returns the headers by which a browser shows a response to a page
// of the origin: none for one that is not allowed.
func (c *CORS) ResponseHeaders(origin string) (headers [][2]string) {
	if !c.Allows(origin) {
		return nil
	}
	headers = [][2]string{{"access-control-allow-origin", origin}}
	if c.Credentials {
		headers = append(headers, [2]string{"access-control-allow-credentials", "true"})
	}
	if len(c.Expose) > 0 {
		headers = append(headers, [2]string{"access-control-expose-headers", strings.Join(c.Expose, ",")})
	}
	return headers
}

// cors reads `cors`; nil for none.
func (l *loader) cors(v value.Value, place string) *CORS {
	if v.Kind() != value.Object {
		return nil
	}
	c := &CORS{Origins: textsOf(v.Key("origins")), Credentials: v.Key("credentials").IsTrue()}
	for i, o := range c.Origins {
		at := rules.Elem(rules.Join(place, "origins"), i)
		if err := c.checkOrigin(o); err != nil && o != "" && l.known(at) {
			l.fault(at, "%v", err)
		}
	}
	c.Methods = l.corsNames(v, place, "methods", c.Credentials)
	for i, m := range c.Methods {
		if m != "" && m != "*" && !httpfield.IsMethod(m) {
			l.unknownMethod(rules.Elem(rules.Join(place, "methods"), i), m, "")
		}
	}
	c.Headers = lowered(l.corsNames(v, place, "headers", c.Credentials))
	c.Expose = lowered(l.corsNames(v, place, "expose", c.Credentials))
	if at := rules.Join(place, "maxAge"); v.Key("maxAge").Kind() == value.String {
		d := durationOf(v.Key("maxAge"), 0)
		if c.MaxAge = strconv.Itoa(int(d.Seconds())); d%time.Second != 0 {
			l.fault(at, "want whole seconds")
		}
	}
	return c
}

// checkOrigin fails for an entry of origins that no browser sends, or that lets
// strangers in.
func (c *CORS) checkOrigin(o string) error {
	switch host, pattern := strings.CutPrefix(o, "https://*."); {
	case o == "*" && c.Credentials:
		return errors.New("* with credentials would let the pages of strangers act for the user; name the origins")
	case o == "*" && len(c.Origins) > 1:
		return errors.New("* covers the other origins; want it alone")
	case o == "*":
		return nil
	case o == "null" && c.Credentials:
		return errors.New("every site can make pages of the origin null; want it without credentials")
	case o == "null":
		return nil
	case pattern && !strings.Contains(host, "*"):
		if !strings.Contains(host, ".") {
			return errors.New("a pattern for all sites of " + host + "; want two labels or more behind the star")
		}
		return checkOrigin("https://" + host)
	case strings.Contains(o, "*"):
		return errors.New("want a star only as the first label of a host over https, such as https://*.shop.example")
	}
	return checkOrigin(o)
}

// corsNames reads a list of methods or of names of headers.
func (l *loader) corsNames(v value.Value, place, key string, credentials bool) []string {
	names := textsOf(v.Key(key))
	for i, n := range names {
		at := rules.Elem(rules.Join(place, key), i)
		switch {
		case n == "": // schema.Check reports it
		case n == "*" && credentials:
			l.fault(at, "browsers do not take * for all with credentials; list them")
		case n == "*" && len(names) > 1:
			l.fault(at, "* covers the others; want it alone")
		case !httpfield.IsToken(n):
			l.fault(at, "not a name (RFC 9110, section 5.6.2)")
		case slices.Contains(names[:i], n):
			l.fault(at, "%s is listed already", n)
		}
	}
	return names
}

func lowered(list []string) (out []string) {
	for _, s := range list {
		out = append(out, strings.ToLower(s))
	}
	return out
}

// routeCORS reads `cors` of a route: where it is left out, the policy's counts.
func (l *loader) routeCORS(p *part, v value.Value, place string) *CORS {
	if v.Kind() == value.Missing {
		return l.p.CORS
	}
	c := l.cors(v, place)
	if p.team != nil {
		p.team.checkCORS(l, c, place)
	}
	return c
}

// checkCORS adds faults for a route of a team that is open to more pages than the
// main file says.
func (t *team) checkCORS(l *loader, c *CORS, place string) {
	if c == nil {
		return
	}
	bound := l.p.CORS
	for i, o := range c.Origins {
		if bound == nil || !slices.Contains(bound.Origins, o) {
			l.fault(rules.Elem(rules.Join(place, "origins"), i), "%s is not among the origins of `cors` in the main file, which bound those of team %s", o, t.name)
		}
	}
	if c.Credentials && (bound == nil || !bound.Credentials) {
		l.fault(rules.Join(place, "credentials"), "want false: `cors` of the main file has no credentials, so team %s cannot have them", t.name)
	}
}

// checkSamePath adds a fault for a route whose cors differs from that of another
// route of its host and path: a preflight is for the path.
func (l *loader) checkSamePath(at string, r *Resource, host, shape string) {
	key := host + shape
	first, ok := l.paths[key]
	if !ok {
		l.paths[key] = r
		return
	}
	if !first.CORS.same(r.CORS) {
		l.fault(at, "differs from cors of %s, which has the same host and path: a preflight is for both", l.seenFrom(at, Parent(first.Place)))
	}
}

func (c *CORS) same(d *CORS) bool {
	if c == nil || d == nil {
		return c == d
	}
	return slices.Equal(c.Origins, d.Origins) && slices.Equal(c.Methods, d.Methods) && slices.Equal(c.Headers, d.Headers) &&
		slices.Equal(c.Expose, d.Expose) && c.Credentials == d.Credentials && c.MaxAge == d.MaxAge
}
