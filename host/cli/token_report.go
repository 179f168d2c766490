package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// inspected is a token taken apart as far as it can be. Nothing of it is
// believed.
type inspected struct {
	header, payload part
	signature       int    // bytes
	wrong           string // with the token as a whole

	judged  bool // a policy has looked at it
	policy  string
	claims  token.Claims // of a token that was verified
	refusal error
}

// part is a segment with JSON in it.
type part struct {
	value value.Value // Missing: it cannot be read
	wrong string
}

// inspectDepth is how deep a header or claims may be, as in verification.
const inspectDepth = 64

func inspect(raw string) inspected {
	var s inspected
	segments := strings.Split(raw, ".")
	if len(segments) == 5 {
		s.wrong = "five segments: an encrypted token (JWE), of which nothing can be read without its key"
		return s
	}
	if len(segments) != 3 {
		s.wrong = fmt.Sprintf("want three segments, found %d", len(segments))
	}
	s.header = readPart(segments[0])
	if len(segments) > 1 {
		s.payload = readPart(segments[1])
	}
	if len(segments) > 2 {
		signature, err := segment(segments[2])
		if err != nil && s.wrong == "" {
			s.wrong = "signature: " + err.Error()
		}
		s.signature = len(signature)
	}
	return s
}

func readPart(text string) part {
	b, err := segment(text)
	if err != nil {
		return part{wrong: err.Error()}
	}
	v, err := value.Parse(string(b), inspectDepth)
	switch {
	case err != nil:
		return part{wrong: "not the JSON of a token: " + err.Error()}
	case v.Kind() != value.Object:
		return part{wrong: "want a JSON object, found " + v.Kind().String()}
	}
	return part{value: v}
}

// segment decodes base64url without padding (RFC 7515, section 2).
func segment(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, errors.New("not base64url without padding")
	}
	return b, nil
}

func (s *inspected) fault() bool { return s.wrong+s.header.wrong+s.payload.wrong != "" }

// print writes it for people.
func (s *inspected) print(w io.Writer, now time.Time) {
	fmt.Fprintln(w, "NOT VERIFIED: anybody may have written what follows")
	if s.wrong != "" {
		fmt.Fprintf(w, "malformed: %s\n", s.wrong)
	}
	s.header.print(w, "header")
	s.payload.print(w, "claims")
	for _, name := range [...]string{"iat", "nbf", "exp"} {
		if v := s.payload.value.Key(name); v.Kind() != value.Missing {
			fmt.Fprintf(w, "%s: %s\n", name, when(v, now))
		}
	}
	for _, name := range [...]string{"jwk", "jku", "x5c", "x5u"} {
		if s.header.value.Key(name).Kind() != value.Missing {
			fmt.Fprintf(w, "%s: a key that comes with a token is never followed\n", name)
		}
	}
	fmt.Fprintf(w, "signature: %d bytes, not shown\n", s.signature)
	if !s.judged {
		return
	}
	fmt.Fprintf(w, "\nwhat the keys of %s say:\n", s.policy)
	for _, m := range s.verdict() {
		said, _ := m.Value.Text()
		if said == "" {
			said = "not reached"
		}
		fmt.Fprintf(w, "  %-9s  %s\n", m.Key, said)
	}
	if s.refusal == nil {
		fmt.Fprintf(w, "verified by %s\n", provider(s.claims))
	} else {
		fmt.Fprintln(w, "refused")
	}
}

func (p *part) print(w io.Writer, name string) {
	switch {
	case p.wrong != "":
		fmt.Fprintf(w, "%s: %s\n", name, p.wrong)
	case p.value.Kind() != value.Missing:
		fmt.Fprintf(w, "%s: %s\n", name, printable(p.value.String()))
	}
}

func provider(c token.Claims) string {
	if c.Provider == "" {
		return "a key without a name"
	}
	return strconv.QuoteToGraphic(c.Provider)
}

// json is the same for programs.
func (s *inspected) json() value.Value {
	var ms []value.Member
	verified := value.NullValue
	if s.judged {
		verified = value.Boolean(s.refusal == nil)
	}
	ms = append(ms, member("verified", verified))
	for _, p := range []struct {
		name string
		part *part
	}{{"header", &s.header}, {"claims", &s.payload}} {
		if p.part.value.Kind() != value.Missing {
			ms = append(ms, member(p.name, p.part.value))
		}
		if p.part.wrong != "" {
			ms = append(ms, member(p.name+"Error", value.Str(p.part.wrong)))
		}
	}
	if s.wrong != "" {
		ms = append(ms, member("error", value.Str(s.wrong)))
	}
	ms = append(ms, member("signatureBytes", value.Int(int64(s.signature))))
	if s.judged {
		ms = append(ms, member("stages", value.Obj(s.verdict()...)))
	}
	return value.Obj(ms...)
}

// when says a NumericDate (RFC 7519, section 2) as a date, and how far off.
func when(v value.Value, now time.Time) string {
	if v.Kind() != value.Number {
		return "want a number of seconds, found " + v.Kind().String()
	}
	seconds, err := strconv.ParseFloat(v.String(), 64)
	if err != nil || seconds < 0 || seconds > 253402300799 {
		return "not in the years 1970 to 9999"
	}
	at := time.Unix(int64(seconds), 0)
	d := at.Sub(now)
	if d < 0 {
		return fmt.Sprintf("%s, %s ago", at.UTC().Format(time.RFC3339), roughly(-d))
	}
	return fmt.Sprintf("%s, in %s", at.UTC().Format(time.RFC3339), roughly(d))
}

func roughly(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.Round(time.Second).String()
}

// printable is JSON text with all that a terminal could take for more than
// text, such as a change of the direction of writing, escaped. White space that
// is no space stands between the tokens of JSON alone.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
			continue
		case unicode.IsPrint(r):
			b.WriteRune(r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
	}
	return b.String()
}
