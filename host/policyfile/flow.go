package policyfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/rulegate/rulegate/rules/value"
)

// Flow writes a value as YAML in one line, with few quotes: {status: 403, error: not now}.
func Flow(v value.Value) string {
	switch v.Kind() {
	case value.Object:
		var parts []string
		v.Each(func(key string, x value.Value) bool {
			parts = append(parts, unquoted(key)+": "+Flow(x))
			return true
		})
		return "{" + strings.Join(parts, ", ") + "}"
	case value.Array:
		parts := make([]string, 0, v.Len())
		for _, x := range v.Elements() {
			parts = append(parts, Flow(x))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case value.String:
		text, _ := v.Text()
		return unquoted(text)
	}
	return v.String()
}

// bare are texts that need no quotes in YAML, whatever version of it reads them.
var (
	bare     = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*$`)
	reserved = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n)$`)
)

func unquoted(text string) string {
	if bare.MatchString(text) && !reserved.MatchString(text) {
		return text
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // value.Str writes < as an escape
	if e.Encode(text) != nil {
		return value.Str(text).String()
	}
	return escaped(strings.TrimSuffix(b.String(), "\n"))
}

// escaped escapes the controls that JSON may have as they are and YAML may not.
func escaped(quoted string) string {
	var b strings.Builder
	for _, r := range quoted {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
