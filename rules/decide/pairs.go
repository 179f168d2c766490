package decide

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/value"
)

// pair is one name=value of a query or a form.
type pair struct {
	raw         string // as sent
	name, value string // decoded
}

var (
	errEscape    = errors.New("malformed percent-encoding")
	errText      = errors.New("invalid UTF-8")
	errSemicolon = errors.New("a bare semicolon, which some servers take for a separator")
)

// readPairs splits a query or a form (application/x-www-form-urlencoded of the
// URL standard). What servers read in different ways is an error.
func readPairs(s string) ([]pair, error) {
	if strings.Contains(s, ";") {
		return nil, errSemicolon
	}
	var out []pair
	for rest := s; rest != ""; {
		var raw string
		raw, rest, _ = strings.Cut(rest, "&")
		if raw == "" {
			continue
		}
		name, value, _ := strings.Cut(raw, "=")
		p := pair{raw: raw}
		var err error
		if p.name, err = unescape(name); err != nil {
			return nil, err
		}
		if p.value, err = unescape(value); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func unescape(s string) (string, error) {
	if strings.ContainsAny(s, "%+") {
		out := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '+':
				out = append(out, ' ')
			case '%':
				if i+2 >= len(s) {
					return "", errEscape
				}
				hi, ok1 := unhex(s[i+1])
				lo, ok2 := unhex(s[i+2])
				if !ok1 || !ok2 {
					return "", errEscape
				}
				out = append(out, hi<<4|lo)
				i += 2
			default:
				out = append(out, s[i])
			}
		}
		s = string(out)
	}
	if !utf8.ValidString(s) {
		return "", errText
	}
	return s, nil
}

func unhex(b byte) (byte, bool) {
	switch {
	case b >= '0' && b <= '9':
		return b - '0', true
	case b >= 'a' && b <= 'f':
		return b - 'a' + 10, true
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10, true
	}
	return 0, false
}

// object is the pairs as args shows them: a repeated name is an array.
func object(ps []pair) value.Value {
	g := grouped{members: make([]value.Member, 0, len(ps))}
	for i := range ps {
		g.add(ps[i].name, ps[i].value)
	}
	return g.object()
}

// grouped gathers values under names, in the order of their first appearance.
type grouped struct {
	members  []value.Member
	repeated map[int][]value.Value // all values of a member that has several
	index    map[string]int        // once there are many
}

// few names are found faster by looking at each than by hashing.
const few = 16

func (g *grouped) add(name, text string) {
	i, found := g.find(name)
	if !found {
		if g.index != nil {
			g.index[name] = len(g.members)
		}
		g.members = append(g.members, value.Member{Key: name, Value: value.Str(text)})
		return
	}
	if g.repeated == nil {
		g.repeated = map[int][]value.Value{}
	}
	if g.repeated[i] == nil {
		g.repeated[i] = []value.Value{g.members[i].Value}
	}
	g.repeated[i] = append(g.repeated[i], value.Str(text))
}

func (g *grouped) find(name string) (i int, found bool) {
	if g.index == nil && len(g.members) > few {
		g.index = make(map[string]int, cap(g.members))
		for i := range g.members {
			g.index[g.members[i].Key] = i
		}
	}
	if g.index != nil {
		i, found = g.index[name]
		return i, found
	}
	for i := range g.members {
		if g.members[i].Key == name {
			return i, true
		}
	}
	return 0, false
}

func (g *grouped) object() value.Value {
	for i, values := range g.repeated {
		g.members[i].Value = value.Arr(values...)
	}
	return value.Obj(g.members...)
}

// rewrite brings the changed names into the pairs: new values stand where the
// first old one stood, names that are new at the end; pairs that did not change
// keep their bytes and their order.
func rewrite(ps []pair, changed *edits) string {
	var parts []string
	written := map[string]bool{}
	for _, p := range ps {
		values, ok := changed.values[p.name]
		switch {
		case !ok:
			parts = append(parts, p.raw)
		case !written[p.name]:
			written[p.name] = true
			parts = appendPairs(parts, p.name, values)
		}
	}
	for _, name := range changed.names {
		if !written[name] {
			parts = appendPairs(parts, name, changed.values[name])
		}
	}
	return strings.Join(parts, "&")
}

func appendPairs(parts []string, name string, values []string) []string {
	for _, v := range values {
		parts = append(parts, escape(name)+"="+escape(v))
	}
	return parts
}

// escape writes all but the unreserved characters (RFC 3986, section 2.3)
// percent-encoded, which every server reads alike, in queries and in forms.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0 {
			out = append(out, b)
		} else {
			out = append(out, '%', hex[b>>4], hex[b&15])
		}
	}
	return string(out)
}
