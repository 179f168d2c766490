package harness

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// started is the time that {{now}} and {{date}} stand for in all cases.
var started = time.Now()

var (
	clockPlaceholder  = regexp.MustCompile(`\{\{(now|date)([+-][0-9a-z]+)?\}\}`)
	repeatPlaceholder = regexp.MustCompile(`\{\{repeat ([0-9]+) (.+?)\}\}`)
	bytesPlaceholder  = regexp.MustCompile(`\{\{bytes ([0-9a-f]+)\}\}`)
	peerPlaceholder   = regexp.MustCompile(`\{\{(x5t|sha256) ([a-z]+)\}\}`)
)

// Expand replaces placeholders, for text that a case file cannot hold:
//
//	{{now+1h}}              a time in Unix seconds, as in the claim exp
//	{{date-24h}}            a time in RFC 3339
//	{{repeat 2000 x}}       a text repeated
//	{{bytes ff00}}          bytes in hexadecimal
//	{{token CLAIMS}}        a JWT signed with the secret `own`
//	{{token:KEY CLAIMS HEADER}}  a JWT signed with another key; HEADER changes its header
//	{{opaque ANSWER}}       a token that the issuer of {{issuer}}/introspect gives this answer to
//	{{x5t CLIENT}}          the SHA-256 of a client's certificate in base64url, as in the claim cnf
//	{{sha256 CLIENT}}       the same in hexadecimal
//	{{any}}                 any text, in a .want and a .calls.json
//
// A token's claims may hold other placeholders.
func Expand(text string) (string, error) {
	var err error
	text = clockPlaceholder.ReplaceAllStringFunc(text, func(p string) string {
		m := clockPlaceholder.FindStringSubmatch(p)
		at := started
		if m[2] != "" {
			d, e := time.ParseDuration(m[2])
			if e != nil {
				err = e
			}
			at = at.Add(d)
		}
		if m[1] == "now" {
			return strconv.FormatInt(at.Unix(), 10)
		}
		return at.UTC().Format(time.RFC3339)
	})
	text = repeatPlaceholder.ReplaceAllStringFunc(text, func(p string) string {
		m := repeatPlaceholder.FindStringSubmatch(p)
		n, e := strconv.Atoi(m[1])
		if e != nil {
			err = e
		}
		return strings.Repeat(m[2], n)
	})
	text = bytesPlaceholder.ReplaceAllStringFunc(text, func(p string) string {
		b, e := hex.DecodeString(bytesPlaceholder.FindStringSubmatch(p)[1])
		if e != nil {
			err = e
		}
		return string(b)
	})
	text = peerPlaceholder.ReplaceAllStringFunc(text, func(p string) string {
		m := peerPlaceholder.FindStringSubmatch(p)
		sum, ok := sumOf(m[2])
		if !ok {
			err = fmt.Errorf("%s: no client certificate has this name", p)
		}
		if m[1] == "x5t" {
			return base64URL(sum[:])
		}
		return hex.EncodeToString(sum[:])
	})
	text = strings.ReplaceAll(text, "{{any}}", anyText)
	var out strings.Builder
	for err == nil {
		before, rest, found := strings.Cut(text, "{{")
		out.WriteString(before)
		if !found {
			break
		}
		var jwt string
		if jwt, text, err = expandToken(rest); err == nil {
			out.WriteString(jwt)
		}
	}
	return out.String(), err
}

// expandToken reads `token:KEY CLAIMS HEADER}}`. Claims and header are JSON
// objects, whose text goes into the token unchanged, or JSON strings whose
// content does: that may be text that is not JSON.
func expandToken(rest string) (jwt, after string, err error) {
	name, _, _ := strings.Cut(rest, "}}")
	if rest, ok := strings.CutPrefix(rest, "opaque "); ok {
		answer, _, rest, err := leadingJSON(rest)
		if err != nil || !strings.HasPrefix(rest, "}}") {
			return "", "", fmt.Errorf("{{%s}}: want JSON: %w", name, err)
		}
		return OpaqueToken(answer), rest[2:], nil
	}
	rest, ok := strings.CutPrefix(rest, "token")
	if !ok {
		return "", "", fmt.Errorf("{{%s}}: unknown placeholder", name)
	}
	key := "own"
	if strings.HasPrefix(rest, ":") {
		end := strings.IndexByte(rest, ' ')
		if end < 0 {
			return "", "", fmt.Errorf("{{%s}}: no claims", name)
		}
		key, rest = rest[1:end], rest[end:]
	}
	claims, _, rest, err := leadingJSON(rest)
	if err != nil {
		return "", "", fmt.Errorf("{{%s}}: claims: %w", name, err)
	}
	header, whole := "", false
	if !strings.HasPrefix(rest, "}}") {
		if header, whole, rest, err = leadingJSON(rest); err != nil {
			return "", "", fmt.Errorf("{{%s}}: header: %w", name, err)
		}
	}
	if after, ok = strings.CutPrefix(rest, "}}"); !ok {
		return "", "", fmt.Errorf("{{%s: want }} at the end", name)
	}
	jwt, err = SignToken(key, claims, header, whole)
	return jwt, after, err
}

// leadingJSON reads one JSON value and returns its text; for a string, its
// content.
func leadingJSON(text string) (value string, isString bool, rest string, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return "", false, "", err
	}
	rest = text[dec.InputOffset():]
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, true, rest, nil
	}
	return string(raw), false, rest, nil
}

// anyText replaces {{any}} in the text of a .want.
const anyText = "\x00any\x00"
