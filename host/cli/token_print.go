package cli

import (
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

// print writes the report for people.
func (r *tokenReport) print(w io.Writer, now time.Time) {
	fmt.Fprintln(w, "NOT VERIFIED: anybody may have written what follows")
	if r.fault != nil {
		fmt.Fprintf(w, "malformed: %v\n", r.fault)
	}
	r.header.print(w, "header")
	r.claims.print(w, "claims")
	for _, name := range [...]string{"iat", "nbf", "exp"} {
		if v := r.claims.value.Key(name); v.Kind() != value.Missing {
			fmt.Fprintf(w, "%s: %s\n", name, dateText(v, now))
		}
	}
	for _, name := range [...]string{"jwk", "jku", "x5c", "x5u"} {
		if r.header.value.Key(name).Kind() != value.Missing {
			fmt.Fprintf(w, "%s: ignored: a token cannot bring its own key\n", name)
		}
	}
	fmt.Fprintf(w, "signature: %d bytes, not shown\n", r.signature)
	if r.policy != "" {
		r.printStages(w)
	}
}

func (r *tokenReport) printStages(w io.Writer) {
	fmt.Fprintf(w, "\nverification with the keys of %s:\n", r.policy)
	for _, m := range r.stageResults() {
		result, _ := m.Value.Text()
		if result == "" {
			result = "not reached"
		}
		fmt.Fprintf(w, "  %-9s  %s\n", m.Key, result)
	}
	if r.refusal == nil {
		fmt.Fprintf(w, "verified by %s\n", providerName(r.checked))
	} else {
		fmt.Fprintln(w, "refused")
	}
}

func (s *segment) print(w io.Writer, name string) {
	switch {
	case s.fault != nil:
		fmt.Fprintf(w, "%s: %v\n", name, s.fault)
	case s.value.Kind() != value.Missing:
		fmt.Fprintf(w, "%s: %s\n", name, printable(s.value.String()))
	}
}

func providerName(c token.Claims) string {
	if c.Provider == "" {
		return "a key without a name"
	}
	return strconv.QuoteToGraphic(c.Provider)
}

// dateText formats a NumericDate (RFC 7519, section 2) and its distance from now.
func dateText(v value.Value, now time.Time) string {
	const lastSecond = 253402300799 // of the year 9999
	if v.Kind() != value.Number {
		return "want a number of seconds, found " + v.Kind().String()
	}
	seconds, err := strconv.ParseFloat(v.String(), 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
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

// printable escapes the characters of a JSON text that a terminal could act on,
// such as a change of writing direction. Line ends and tabs become spaces: in
// JSON they stand between tokens only.
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
