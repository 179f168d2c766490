package envoy

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/access"
	"github.com/rulegate/rulegate/rules/httpfield"
	"go.yaml.in/yaml/v4"
)

// reader reads the messages of one listener.
type reader struct {
	policy    access.Policy
	direct    bool // the client's address is that of the connection
	port      int  // of the listener; 0: not known
	afterJWT  bool // jwt_authn stands before the filter that is read
	reasons   []string
	otherJWTs int
}

// unknown is a condition that no rule can say, for a reason.
func (r *reader) unknown(why string) access.Cond {
	r.because(why)
	return access.Unknown()
}

func (r *reader) because(why string) {
	for _, x := range r.reasons {
		if x == why {
			return
		}
	}
	r.reasons = append(r.reasons, why)
}

// noted notes why a condition is not exact.
func (r *reader) noted(c access.Cond, why string) access.Cond {
	if !c.IsExact() {
		r.because(why)
	}
	return c
}

// stringMatch reads a StringMatcher.
func stringMatch(n *yaml.Node) access.Text {
	m := access.Text{IgnoreCase: isTrue(n, "ignore_case")}
	if other(n, "exact", "prefix", "suffix", "contains", "safe_regex", "ignore_case") != "" {
		return m
	}
	for name, kind := range map[string]access.Kind{"exact": access.Equal, "prefix": access.Prefix, "suffix": access.Suffix, "contains": access.Contains} {
		if v := field(n, name); v != nil && v.Kind == yaml.ScalarNode {
			m.Kind, m.Text = kind, v.Value
		}
	}
	if regex := field(n, "safe_regex"); regex != nil && other(regex, "regex", "google_re2") == "" {
		m.Kind, m.Text = access.Regex, text(regex, "regex")
	}
	return m
}

func (r *reader) text(n *yaml.Node) func(path string) access.Cond {
	m := stringMatch(n)
	return func(path string) access.Cond {
		return r.noted(m.Of(path), "a text is compared in a way that no rule has")
	}
}

// path reads a PathMatcher.
func (r *reader) path(n *yaml.Node) access.Cond {
	if other(n, "path") != "" {
		return r.unknown("a way to compare paths that no rule has")
	}
	return r.text(field(n, "path"))(access.Path)
}

// header reads a HeaderMatcher.
func (r *reader) header(n *yaml.Node) access.Cond {
	name := strings.ToLower(text(n, "name"))
	if o := other(n, "name", "exact_match", "prefix_match", "suffix_match", "contains_match", "safe_regex_match", "present_match", "range_match",
		"string_match", "invert_match", "treat_missing_header_as_empty"); o != "" {
		return r.unknown("header " + name + ": " + o)
	}
	value, whole := r.headerValue(n, name)
	if value == nil {
		return whole
	}
	c := r.valueOf(name, value, isTrue(n, "treat_missing_header_as_empty"))
	if !isTrue(n, "invert_match") {
		return c
	}
	// Without the header, an inverted condition does not hold either.
	if path := access.HeaderPath(name); path != "" && name[0] != ':' && !isTrue(n, "treat_missing_header_as_empty") {
		return access.All(access.Exact(access.Exists(path)), c.Not())
	}
	return c.Not()
}

// headerValue returns the condition for the header's value, or the whole condition if it
// is one for its presence.
func (r *reader) headerValue(n *yaml.Node, name string) (value func(string) access.Cond, whole access.Cond) {
	of := func(kind access.Kind, s string) func(string) access.Cond {
		return func(path string) access.Cond {
			return r.noted(access.Text{Kind: kind, Text: s}.Of(path), "a header is compared in a way that no rule has")
		}
	}
	has := func(key string) bool { return field(n, key) != nil }
	switch {
	case has("string_match"):
		return r.text(field(n, "string_match")), access.Cond{}
	case has("exact_match"):
		return of(access.Equal, text(n, "exact_match")), access.Cond{}
	case has("prefix_match"):
		return of(access.Prefix, text(n, "prefix_match")), access.Cond{}
	case has("suffix_match"):
		return of(access.Suffix, text(n, "suffix_match")), access.Cond{}
	case has("contains_match"):
		return of(access.Contains, text(n, "contains_match")), access.Cond{}
	case has("safe_regex_match"):
		return of(access.Regex, text(n, "safe_regex_match", "regex")), access.Cond{}
	case has("range_match"):
		low, err1 := strconv.ParseInt(text(n, "range_match", "start"), 10, 64)
		high, err2 := strconv.ParseInt(text(n, "range_match", "end"), 10, 64)
		if field(n, "range_match", "start") == nil {
			low, err1 = 0, nil
		}
		if err1 != nil || err2 != nil {
			return nil, r.unknown("header " + name + ": range_match")
		}
		return func(path string) access.Cond {
			return r.noted(access.Number(path, low, high), "a header is read as a number")
		}, access.Cond{}
	}
	return nil, r.present(n, name, (text(n, "present_match") == "false") != isTrue(n, "invert_match"))
}

// pseudo are the header fields that each request has.
var pseudo = []string{":method", ":path", ":authority", ":scheme"}

// present is the condition for a header that is there, or is absent.
func (r *reader) present(n *yaml.Node, name string, absent bool) access.Cond {
	path := access.HeaderPath(name)
	c := access.Exact(access.Always)
	switch {
	case slices.Contains(pseudo, name):
	case path == "" || strings.HasPrefix(name, ":"):
		return r.unknown("header " + name + ", which no rule reads")
	case isTrue(n, "treat_missing_header_as_empty"): // an empty one is there
	default:
		c = access.Exact(access.Exists(path))
	}
	if absent {
		return c.Not()
	}
	return c
}

// valueOf is a condition for the value of a header.
func (r *reader) valueOf(name string, value func(string) access.Cond, orEmpty bool) access.Cond {
	switch name {
	case ":method":
		return value(access.Method)
	case ":authority", "host":
		return r.unknown("the host: rules see it in lower case; a matcher with ignore_case can be said")
	case ":path":
		return r.unknown("the header :path has the query; url_path can be said")
	}
	path := access.HeaderPath(name)
	switch {
	case path == "":
		return r.unknown("header " + name + ", which no rule reads")
	case orEmpty:
		return value("utils.default(" + path + ", '')")
	}
	return access.Header(name, value)
}

// hostHeader reads a HeaderMatcher for the host, which ignores case. ok is false for
// another one.
func (r *reader) hostHeader(n *yaml.Node) (c access.Cond, ok bool) {
	name := strings.ToLower(text(n, "name"))
	m := stringMatch(field(n, "string_match"))
	if name != ":authority" && name != "host" || !m.IgnoreCase || m.Kind == access.Regex || m.Kind == access.Other ||
		other(n, "name", "string_match", "invert_match") != "" {
		return c, false
	}
	c = access.Host(m)
	if isTrue(n, "invert_match") {
		c = c.Not()
	}
	return c, true
}

func (r *reader) anyHeader(n *yaml.Node) access.Cond {
	if c, ok := r.hostHeader(n); ok {
		return c
	}
	return r.header(n)
}

// value reads a ValueMatcher.
func (r *reader) value(n *yaml.Node) func(path string) access.Cond {
	fields := importer.Entries(n)
	if len(fields) != 1 {
		return func(string) access.Cond { return r.unknown("a condition for a claim") }
	}
	v := fields[0].Value
	switch snake(fields[0].Key) {
	case "string_match":
		return r.text(v)
	case "bool_match":
		return func(path string) access.Cond {
			return access.Exact(access.Match("bool", "==", path, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: v.Value}))
		}
	case "double_match":
		return r.double(v)
	case "present_match":
		if v.Value == "true" {
			return func(path string) access.Cond { return access.Exact(access.Exists(path)) }
		}
	case "list_match":
		if one := field(v, "one_of"); one != nil && other(v, "one_of") == "" {
			return func(path string) access.Cond { return access.Element(path, r.value(one)) }
		}
	case "or_match":
		return func(path string) access.Cond {
			var list []access.Cond
			for _, e := range importer.Entries(field(v, "value_matchers")) {
				list = append(list, r.value(e.Value)(path))
			}
			return access.Any(list...)
		}
	}
	return func(string) access.Cond { return r.unknown("a claim is compared by " + snake(fields[0].Key)) }
}

// double reads a DoubleMatcher. Envoy has claims as doubles: beyond 2^53 it takes
// different integers for equal.
func (r *reader) double(n *yaml.Node) func(path string) access.Cond {
	number := func(text string) (*yaml.Node, bool) {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(f) >= 1<<53 || math.IsNaN(f) {
			return nil, false
		}
		tag := "!!float"
		if f == math.Trunc(f) {
			tag, text = "!!int", strconv.FormatInt(int64(f), 10)
		} else {
			text = strconv.FormatFloat(f, 'f', -1, 64)
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}, true
	}
	zero := func(s string) string {
		if s == "" {
			return "0"
		}
		return s
	}
	if exact := field(n, "exact"); exact != nil {
		if v, ok := number(exact.Value); ok {
			return func(path string) access.Cond { return access.Exact(access.Match("number", "==", path, v)) }
		}
	}
	if span := field(n, "range"); span != nil {
		low, ok1 := number(zero(text(span, "start")))
		high, ok2 := number(zero(text(span, "end")))
		if ok1 && ok2 {
			return func(path string) access.Cond {
				return access.Exact(access.And(access.Match("number", ">=", path, low), access.Match("number", "<", path, high)))
			}
		}
	}
	return func(string) access.Cond { return r.unknown("a claim is a number that doubles do not hold exactly") }
}

// routeMatch reads a RouteMatch.
func (r *reader) routeMatch(n *yaml.Node) access.Cond {
	if o := other(n, "prefix", "path", "safe_regex", "path_separated_prefix", "case_sensitive", "headers"); o != "" {
		return r.unknown("a match by " + o)
	}
	insensitive := text(n, "case_sensitive") == "false"
	var list []access.Cond
	add := func(kind access.Kind, s string) {
		list = append(list, r.noted(access.Text{Kind: kind, Text: s, IgnoreCase: insensitive}.Of(access.Path), "a path is compared in a way that no rule has"))
	}
	switch {
	case field(n, "path") != nil:
		add(access.Equal, text(n, "path"))
	case field(n, "path_separated_prefix") != nil:
		prefix := text(n, "path_separated_prefix")
		list = append(list, access.Any(
			access.Text{Kind: access.Equal, Text: prefix, IgnoreCase: insensitive}.Of(access.Path),
			access.Text{Kind: access.Prefix, Text: prefix + "/", IgnoreCase: insensitive}.Of(access.Path)))
	case field(n, "safe_regex") != nil:
		add(access.Regex, text(n, "safe_regex", "regex"))
	case text(n, "prefix") != "" && text(n, "prefix") != "/":
		add(access.Prefix, text(n, "prefix"))
	case field(n, "prefix") == nil:
		return r.unknown("a match without a path")
	}
	for _, e := range importer.Entries(field(n, "headers")) {
		list = append(list, r.anyHeader(e.Value))
	}
	return access.All(list...)
}

// isHeaderName reports whether a text can be the name of a header.
func isHeaderName(s string) bool { return s != "" && httpfield.IsToken(s) }
