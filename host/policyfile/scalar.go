package policyfile

import (
	"errors"
	"math/big"
	"regexp"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// Scalars without quotes follow YAML 1.2's core schema (section 10.3.2); numbers
// keep their digits. Scalars that YAML 1.1 reads differently are refused: `010`
// is 8 there, and 10 in YAML 1.2.
var (
	decimalInt = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	basedInt   = regexp.MustCompile(`^0(o[0-7]+|x[0-9a-fA-F]+)$`)
	float      = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	doubtful   = regexp.MustCompile(`^[-+]?(0[0-9]+|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?|0b[01_]+|[-+]0[xo][0-9a-fA-F_]+|0[xXoO][0-9a-fA-F_]+)$`)
	nonFinite  = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

var (
	errNonFinite = errors.New("JSON has no such number; put it in quotes if it is a text")
	errDoubtful  = errors.New("a number that is read in different ways; write it in decimal, or in quotes if it is a text")
	errNumber    = errors.New("not a number")
)

// plain returns the value of a scalar without quotes.
func plain(text string) (value.Value, error) {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return value.NullValue, nil
	case "true", "True", "TRUE":
		return value.Boolean(true), nil
	case "false", "False", "FALSE":
		return value.Boolean(false), nil
	}
	switch {
	case decimalInt.MatchString(text):
		return value.Num(strings.TrimPrefix(text, "+")), nil
	case basedInt.MatchString(text):
		n, ok := new(big.Int).SetString(text, 0)
		if !ok {
			return value.Value{}, errNumber
		}
		return value.Num(n.String()), nil
	case nonFinite.MatchString(text):
		return value.Value{}, errNonFinite
	case doubtful.MatchString(text) || float.MatchString(text) && leadingZero(text):
		return value.Value{}, errDoubtful
	case float.MatchString(text):
		return value.Num(jsonNumber(text)), nil
	}
	return value.Str(text), nil
}

func leadingZero(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9'
}

// jsonNumber converts a YAML number to JSON: `+.5` is 0.5, `1.` is 1.
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
