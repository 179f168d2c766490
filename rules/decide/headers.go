package decide

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// replace sets the lines of a header, whatever was said of it before; without
// lines it is removed.
func (c *Changes) replace(name string, lines []string) {
	kept := c.SetHeaders[:0]
	for _, h := range c.SetHeaders {
		if h[0] != name {
			kept = append(kept, h)
		}
	}
	c.SetHeaders = kept
	if len(lines) == 0 {
		c.RemoveHeaders = appendNew(c.RemoveHeaders, name)
	}
	for _, l := range lines {
		c.SetHeaders = append(c.SetHeaders, [2]string{name, l})
	}
}

// claimHeaders sets the headers that carry claims: strings, numbers and booleans
// as they are, arrays as JSON. A claim that is not there, or null, sets none; an
// object, and a text that no header can hold, denies.
func (s *Stream) claimHeaders(c *Changes) error {
	for _, ch := range s.gate.policy.ClaimHeaders {
		v := s.claims
		for _, key := range ch.Path {
			v = v.Key(key)
		}
		if v.Kind() == value.Missing || v.Kind() == value.Null {
			continue
		}
		line, err := claimText(v)
		if err == nil {
			err = headerText([]string{line})
		}
		if err != nil {
			return fmt.Errorf("auth.claimsToHeaders.%s: %w", ch.Header, err)
		}
		c.replace(ch.Header, []string{line})
	}
	return nil
}

var errClaimText = errors.New("an object, which no header can hold")

func claimText(v value.Value) (string, error) {
	switch v.Kind() {
	case value.String:
		text, _ := v.Text()
		return text, nil
	case value.Number, value.Bool:
		return v.String(), nil
	case value.Array:
		return asciiJSON(v.String()), nil
	}
	return "", errClaimText
}

// asciiJSON is JSON text on one line, without white space between its tokens,
// and with all that is not printable ASCII escaped: what servers make of other
// bytes in a header differs.
func asciiJSON(text string) string {
	out := make([]byte, 0, len(text))
	inside := false // of a string
	for i := 0; i < len(text); {
		b := text[i]
		switch {
		case b == '\\' && i+1 < len(text):
			out = append(out, b, text[i+1])
			i += 2
			continue
		case b == '"':
			inside = !inside
		case !inside && (b == ' ' || b == '\t' || b == '\n' || b == '\r'):
			i++
			continue
		case b >= 0x7f:
			r, size := utf8.DecodeRuneInString(text[i:])
			for _, unit := range utf16.Encode([]rune{r}) {
				out = append(out, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
			}
			i += size
			continue
		}
		out = append(out, b)
		i++
	}
	return string(out)
}

const hex = "0123456789abcdef"

// headerChanges brings what was changed under request.headers into the headers.
func (s *Stream) headerChanges(c *Changes, after value.Value) error {
	if k := after.Key("request").Kind(); k != value.Object && k != value.Missing {
		return errors.New("request: want an object, found " + k.String())
	}
	set := map[string]bool{}
	err := differences(s.args.Key("request").Key("headers"), after.Key("request").Key("headers"), func(name string, now value.Value) error {
		lower := strings.ToLower(name)
		lines, err := texts(now, false)
		switch {
		case err == nil && !httpfield.IsToken(name):
			err = errors.New("not a header's name")
		case err == nil && httpfield.Protected(name):
			err = errors.New("a header of the connection or of the body's length cannot be changed")
		case err == nil && set[lower]:
			err = errors.New("changed in two ways")
		case err == nil:
			err = headerText(lines)
		}
		if err != nil {
			return fmt.Errorf("header %q: %w", name, err)
		}
		set[lower] = true
		s.removeTwins(c, lower)
		c.replace(lower, lines)
		return nil
	})
	return err
}

// removeTwins takes the client's fields away that an upstream could take for
// the one that is set.
func (s *Stream) removeTwins(c *Changes, name string) {
	for _, f := range s.head.fields {
		if f[0] != name && httpfield.Fold(f[0]) == httpfield.Fold(name) {
			c.RemoveHeaders = appendNew(c.RemoveHeaders, f[0])
		}
	}
}

var errHeaderText = errors.New("not the text of a header")

// headerText reports a line that cannot be sent as a header's value.
func headerText(lines []string) error {
	for _, l := range lines {
		if !httpfield.IsValue(l) {
			return errHeaderText
		}
	}
	return nil
}
