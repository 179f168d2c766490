package decide

import "strings"

// media is how a body is read.
type media uint8

const (
	unreadable media = iota
	jsonBody
	formBody
)

// mediaOf reads the content types of a request; two are one too many, whoever
// wins at the upstream. Parameters but charset do not matter (RFC 9110, section
// 8.3; RFC 8259, section 11).
func mediaOf(types []string) media {
	if len(types) != 1 {
		return unreadable
	}
	essence, params, _ := strings.Cut(types[0], ";")
	if !onlyUTF8(params) {
		return unreadable
	}
	switch essence = strings.ToLower(strings.Trim(essence, " \t")); {
	case essence == "application/json":
		return jsonBody
	case essence == "application/x-www-form-urlencoded":
		return formBody
	case strings.HasPrefix(essence, "application/grpc"):
		return unreadable // +json too: messages with their lengths between, and no end
	case strings.HasPrefix(essence, "application/") && strings.HasSuffix(essence, "+json") && isToken(essence[len("application/"):]):
		return jsonBody
	}
	return unreadable
}

// onlyUTF8 says that the parameters are well formed and name no other charset,
// and none twice.
func onlyUTF8(params string) bool {
	seen := false
	for rest := params; strings.Trim(rest, " \t;") != ""; {
		rest = strings.TrimLeft(rest, " \t;")
		name, after, found := strings.Cut(rest, "=")
		if !found || !isToken(name) {
			return false
		}
		value, tail, ok := paramValue(after)
		if !ok {
			return false
		}
		if strings.EqualFold(name, "charset") {
			if seen || !strings.EqualFold(value, "utf-8") {
				return false
			}
			seen = true
		}
		if rest = strings.TrimLeft(tail, " \t"); rest != "" && rest[0] != ';' {
			return false
		}
	}
	return true
}

// paramValue reads a token or a quoted string from the start of s. What is
// escaped in quotes is refused: nobody writes it but to confuse.
func paramValue(s string) (value, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		value, rest, ok = strings.Cut(s[1:], `"`)
		return value, rest, ok && !strings.Contains(value, `\`)
	}
	end := 0
	for end < len(s) && isTokenByte(s[end]) {
		end++
	}
	return s[:end], s[end:], end > 0
}

// isToken says whether s is a token (RFC 9110, section 5.6.2), as header names
// are.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
