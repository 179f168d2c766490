package access

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"go.yaml.in/yaml/v4"
)

// Kind is the way in which a Text compares.
type Kind uint8

const (
	Other Kind = iota // no rule compares so
	Equal
	Prefix
	Suffix
	Contains
	Regex // the whole of a text, in RE2's syntax
)

// Text is a condition for a text.
type Text struct {
	Kind       Kind
	Text       string
	IgnoreCase bool
}

// Of compares the text at a path, where there is one.
func (m Text) Of(path string) Cond {
	text := m.Text
	if m.IgnoreCase {
		path, text = "utils.lower("+path+")", lower(text)
	}
	switch m.Kind {
	case Equal:
		return Exact(Match("string", "==", path, Literal(text)))
	case Prefix:
		return Exact(Match("string", "startsWith", path, Literal(text)))
	case Suffix:
		return Exact(Match("string", "endsWith", path, Literal(text)))
	case Contains:
		return Exact(Match("string", "contains", path, Literal(text)))
	case Regex:
		if pattern, ok := wholePattern(m.Text); ok && !m.IgnoreCase {
			return Exact(Match("string", "matches", path, importer.Text(pattern)))
		}
	}
	return Unknown()
}

// lower is a text in ASCII lower case, as utils.lower makes it.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// wholePattern makes a pattern of an expression of RE2 that matches whole texts. ok is
// false for one that the two may read differently: \s has more characters here.
func wholePattern(expression string) (pattern string, ok bool) {
	pattern = "^(" + expression + ")$"
	for i := 0; i < len(expression); i++ {
		if expression[i] == '\\' {
			if i++; i == len(expression) || expression[i] == 's' || expression[i] == 'S' {
				return "", false
			}
		}
	}
	return pattern, rules.CheckPattern(expression) == nil && rules.CheckPattern(pattern) == nil
}

// quotedKey is a key of a path; "": no path can name it.
func quotedKey(key string) string {
	plain := key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	_, err := strconv.Atoi(key)
	switch {
	case plain && err != nil:
		return "." + key
	case key == "" || strings.Contains(key, "'") && strings.Contains(key, `"`) || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' }):
		return ""
	case strings.Contains(key, "'"):
		return `["` + key + `"]`
	}
	return "['" + key + "']"
}

// Path is the path of the request, as it was sent, without the query.
const Path = "args.request.path"

// Method is the method of the request.
const Method = "args.request.method"

// Header is a condition for a header. A request without it does not fulfil it, nor
// does one that has it twice.
func Header(name string, value func(path string) Cond) Cond {
	path := HeaderPath(name)
	if path == "" {
		return Unknown()
	}
	return All(Exact(Exists(path)), value(path))
}

// HeaderPath is the path of a header; "": no rule can read it.
func HeaderPath(name string) string {
	name = strings.ToLower(name)
	if !httpfield.IsToken(name) || name == "host" {
		return ""
	}
	return "args.request.headers" + quotedKey(name)
}

// Number is a condition for a header that is a whole number, from low to less than
// high.
func Number(path string, low, high int64) Cond {
	number := "utils.number(" + path + ")"
	return Cond{
		Under: And(
			Match("string", "matches", path, importer.Text("^-?[0-9]{1,15}$")),
			Match("number", ">=", number, importer.Int(int(low))), Match("number", "<", number, importer.Int(int(high)))),
		Over: Always, // Envoy reads more texts as numbers
	}
}

// Host is a condition for the host, which a rule sees in lower case.
func Host(m Text) Cond {
	if m.IgnoreCase && m.Kind != Regex {
		m.IgnoreCase, m.Text = false, lower(m.Text)
		return m.Of("args.request.host")
	}
	return Unknown()
}

// Addresses is a condition for the address of the client: one of the ranges.
func Addresses(cidrs []string) Cond {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, text := range cidrs {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			text = prefix.Masked().String()
		} else if _, err := netip.ParseAddr(text); err != nil {
			return Unknown()
		}
		list.Content = append(list.Content, importer.Text(text))
	}
	return Exact(Match("ip", "in", "args.request.ip", list))
}

// Peer is a condition for the name in the client's certificate: a URI, else a DNS
// name, else the subject. A rule sees the first of several names only.
func Peer(name func(path string) Cond) Cond {
	uri, dns, subject := "args.peer.uriSan", "args.peer.dnsSan", "args.peer.subject"
	return Cond{
		Under: Or(
			And(Exists(uri), name(uri).Under),
			And(Not(Exists(uri)), Exists(dns), name(dns).Under),
			And(Not(Exists(uri)), Not(Exists(dns)), Exists(subject), name(subject).Under)),
		Over: Always,
	}
}

// AnyPeer holds for a client with a certificate.
func AnyPeer() Cond { return Cond{Exists("args.peer"), Always} }

// ClaimPath is the path of a claim; "": no rule can read it.
func ClaimPath(keys []string) string {
	path := "args.auth"
	for _, key := range keys {
		quoted := quotedKey(key)
		if quoted == "" {
			return ""
		}
		path += quoted
	}
	if len(keys) == 0 {
		return ""
	}
	return path
}

// Element is a condition for one element of an array.
func Element(path string, value func(path string) Cond) Cond {
	c := value("item")
	some := func(e *Expr) *Expr {
		if e.op != leaf && e.op != all && e.op != some && e.op != not {
			return e
		}
		return &Expr{op: leaf, rule: ruleOf("some", "field", path, "clause", e.Rule())}
	}
	if c.IsExact() {
		return Exact(some(c.Under))
	}
	return Cond{some(c.Under), some(c.Over)}
}

// templateSegment is a variable of a path template: fewer characters than Envoy's.
const templateSegment = `[a-zA-Z0-9._~%-]+`

// Template is a condition for a path template of Envoy: {*} is a segment, {**} the
// rest.
func Template(template string) Cond {
	under, over := "^", "^"
	for segment := range strings.SplitSeq(strings.TrimPrefix(template, "/"), "/") {
		switch segment {
		case "{*}", "*":
			under, over = under+"/"+templateSegment, over+"/[^/]+"
		case "{**}", "**":
			under, over = under+"/[a-zA-Z0-9._~%/-]*", over+"(/.*)?"
		default:
			if strings.ContainsAny(segment, "{}*") {
				return Unknown()
			}
			literal := "/" + escapePattern(segment)
			under, over = under+literal, over+literal
		}
	}
	if rules.CheckPattern(under+"$") != nil || rules.CheckPattern(over+"$") != nil {
		return Unknown()
	}
	return Cond{Match("string", "matches", Path, importer.Text(under+"$")), Match("string", "matches", Path, importer.Text(over+"$"))}
}

func escapePattern(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(`\^$.|?*+()[]{}`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
