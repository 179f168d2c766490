package policyfile

import (
	"math/big"
	"regexp"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// Plain scalars are read by YAML 1.2's core schema (section 10.3.2), and their
// digits stay. What YAML 1.1 read in another way is refused, so that no reader
// of the file is surprised: `010` was 8, and is 10.
var (
	decimalInt = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	basedInt   = regexp.MustCompile(`^0(o[0-7]+|x[0-9a-fA-F]+)$`)
	float      = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	doubtful   = regexp.MustCompile(`^[-+]?(0[0-9]+|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?|0b[01_]+|[-+]0[xo][0-9a-fA-F_]+|0[xXoO][0-9a-fA-F_]+)$`)
	nonFinite  = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// plain is the value of a scalar without quotes.
func plain(text string) (v value.Value, fault string) {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return value.NullValue, ""
	case "true", "True", "TRUE":
		return value.Boolean(true), ""
	case "false", "False", "FALSE":
		return value.Boolean(false), ""
	}
	switch {
	case decimalInt.MatchString(text):
		return value.Num(strings.TrimPrefix(text, "+")), ""
	case basedInt.MatchString(text):
		n, ok := new(big.Int).SetString(text, 0)
		if !ok {
			return v, "not a number"
		}
		return value.Num(n.String()), ""
	case nonFinite.MatchString(text):
		return v, "JSON has no such number; put it in quotes if it is a text"
	case doubtful.MatchString(text) || float.MatchString(text) && leadingZero(text):
		return v, "a number that is read in different ways; write it in decimal, or in quotes if it is a text"
	case float.MatchString(text):
		return value.Num(jsonNumber(text)), ""
	case strings.ContainsAny(text[:1], ",[]{}|>") || text == "?" || strings.HasPrefix(text, "? ") || strings.Contains(text, "\t"):
		return v, "no text without quotes"
	case strings.Contains(text, ": ") || strings.HasSuffix(text, ":") || strings.Contains(text, " #"):
		return v, "is a comma missing here? put the text in quotes if it is one"
	}
	return value.Str(text), ""
}

func leadingZero(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9'
}

// jsonNumber spells a YAML number as JSON does: `+.5` is 0.5, `1.` is 1.
func jsonNumber(text string) string {
	sign := ""
	if text[0] == '+' || text[0] == '-' {
		sign, text = strings.TrimPrefix(text[:1], "+"), text[1:]
	}
	if text[0] == '.' {
		text = "0" + text
	}
	if i := strings.IndexByte(text, '.'); i >= 0 && (i+1 == len(text) || text[i+1] < '0' || text[i+1] > '9') {
		text = text[:i] + text[i+1:]
	}
	return sign + text
}
