package policy

import (
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// segment is one segment of a template.
type segment struct {
	kind segmentKind
	text string // a literal's text, or a variable's name
}

type segmentKind uint8

const (
	literal  segmentKind = iota
	variable             // one segment
	rest                 // all that are left, none too
)

// capture is a variable of a template.
type capture struct {
	name  string
	index int // of the segment
	rest  bool
}

// parseTemplate reads a route's path: `/v1/orders/{id}/{rest...}`. One slash at
// the end means nothing.
func parseTemplate(path string) (segs []segment, fault string) {
	if !strings.HasPrefix(path, "/") {
		return nil, "want a path that begins with /"
	}
	names := map[string]bool{}
	for path = path[1:]; path != ""; {
		var text string
		text, path, _ = strings.Cut(path, "/")
		if len(segs) > 0 && segs[len(segs)-1].kind == rest {
			return nil, "{" + segs[len(segs)-1].text + "...} stands at the end"
		}
		s, fault := parseSegment(text)
		if fault == "" && s.kind != literal {
			if names[s.text] {
				fault = "two variables {" + s.text + "}"
			}
			names[s.text] = true
		}
		if fault != "" {
			return nil, fault
		}
		segs = append(segs, s)
	}
	return segs, ""
}

func parseSegment(text string) (segment, string) {
	inner, opened := strings.CutPrefix(text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	switch {
	case opened && closed:
		name, all := strings.CutSuffix(inner, "...")
		if !isName(name) {
			return segment{}, "a variable is {name} or {name...}"
		}
		if all {
			return segment{rest, name}, ""
		}
		return segment{variable, name}, ""
	case strings.ContainsAny(text, "{}"):
		return segment{}, "a variable is a whole segment"
	case strings.HasPrefix(text, ":"):
		return segment{}, "a variable is written {" + text[1:] + "} here"
	case strings.Contains(text, "*"):
		return segment{}, "* is no pattern; write {name} for a segment and {name...} for the rest"
	}
	return segment{literal, text}, segmentFault(text)
}

// parsePrefix reads the prefix of a file: `/users/:id`.
func parsePrefix(path string) (segs []segment, fault string) {
	if !strings.HasPrefix(path, "/") {
		return nil, "want a path that begins with /"
	}
	path = strings.TrimRight(path, "/")
	if path == "" {
		return nil, ""
	}
	names := map[string]bool{}
	for text := range strings.SplitSeq(path[1:], "/") {
		s := segment{literal, text}
		if name, ok := strings.CutPrefix(text, ":"); ok {
			if s = (segment{variable, name}); !isName(name) {
				return nil, "a variable is :name"
			}
			if names[name] {
				return nil, "two variables :" + name
			}
			names[name] = true
		} else if strings.ContainsAny(text, "{}*") {
			return nil, "a variable is written :name here"
		} else if fault := segmentFault(text); fault != "" {
			return nil, fault
		}
		segs = append(segs, s)
	}
	return segs, ""
}

// segmentFault says why no request's path has this segment, decoded.
func segmentFault(text string) string {
	switch {
	case text == "":
		return "an empty segment: no request that has one is let in"
	case isDots(text):
		return "a dot segment: no request that has one is let in"
	case strings.Contains(text, ";"):
		return "a semicolon: no request that has one in its path is let in"
	case strings.ContainsAny(text, "?#"):
		return "a path has neither ? nor #"
	case strings.Contains(text, "%"):
		return "write it decoded, without %"
	case strings.ContainsAny(text, "/\\"):
		return "no segment of a path has a slash or a backslash"
	}
	for _, b := range []byte(text) {
		if b < ' ' || b == 0x7f {
			return "a control character"
		}
	}
	return ""
}

// isDots says whether a segment goes somewhere else.
func isDots(text string) bool { return text == "." || text == ".." }

func captures(segs []segment) (out []capture) {
	for i, s := range segs {
		if s.kind != literal {
			out = append(out, capture{s.text, i, s.kind == rest})
		}
	}
	return out
}

// bind gives the variables their values; segs are a path's, decoded.
func bind(captures []capture, segs []string) []value.Member {
	if len(captures) == 0 {
		return nil
	}
	vars := make([]value.Member, len(captures))
	for i, c := range captures {
		text := ""
		switch {
		case c.rest:
			text = strings.Join(segs[min(c.index, len(segs)):], "/")
		default:
			text = segs[c.index]
		}
		vars[i] = value.Member{Key: c.name, Value: value.Str(text)}
	}
	return vars
}
