package envoyconf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/rulegate/rulegate/rules/value"
)

// depth bounds the nesting of a policy. It is above the module's own bound.
const depth = 256

// policy returns the listener's policy as the configuration contains it.
func (l Listener) policy() (string, error) {
	text := l.Policy
	if l.Companion != "" {
		doc, err := value.Parse(text, depth)
		if err != nil {
			return "", fmt.Errorf("policy: %w", err)
		}
		c := doc.Key("companion").With("cluster", value.Str(l.Companion))
		text = doc.With("companion", c).String()
	}
	return readable(text), nil
}

// readable indents JSON without changing its numbers, and escapes characters that
// a YAML literal block cannot hold (YAML 1.2, section 5.1). It returns a text that
// is not JSON unchanged: the module reports its faults.
func readable(text string) string {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		return text
	}
	var b strings.Builder
	for _, r := range out.String() {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
