package policyfile

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/policy"
)

// open lists the keys whose values excerpts show, by section. All other values in
// these sections count as secrets.
var open = map[string]map[string]bool{
	"auth.tokens": {"name": true, "alg": true, "publicKey": true, "kid": true, "issuer": true, "audience": true, "primary": true},
	"crypto":      {},
	"companion":   {"cluster": true, "timeout": true},
	"databases":   {"type": true, "collections": true, "queries": true},
}

// isSecret reports whether the value at a place may be a secret: every value in a
// section of open, under a misspelt key too, except those of the keys listed there.
func (f *File) isSecret(place string) bool {
	if f.other {
		return false
	}
	steps := stepsOf(place)
	var section string
	switch {
	case len(steps) > 3 && steps[0] == "auth" && steps[1] == "tokens":
		section, steps = "auth.tokens", steps[3:]
	case len(steps) > 2 && steps[0] == "databases":
		section, steps = "databases", steps[2:]
	case len(steps) > 1:
		section, steps = steps[0], steps[1:]
	default:
		return false
	}
	known, ok := open[section]
	return ok && !known[steps[0]]
}

// stepsOf splits a place into keys and indices.
func stepsOf(place string) (steps []string) {
	for place != "" {
		up := policy.Parent(place)
		steps = append(steps, strings.Trim(place[len(up):], ".[]\""))
		place = up
	}
	for i, j := 0, len(steps)-1; i < j; i, j = i+1, j-1 {
		steps[i], steps[j] = steps[j], steps[i]
	}
	return steps
}

// span is a part of a line, in columns: from is inside, to is not.
type span struct {
	from, to int
}

// hide keeps the text between two positions out of excerpts, unless the value
// consists of references to variables and files. With a zero to, it hides the
// rest of the file.
func (f *File) hide(value string, from, to position) {
	if refers(value) {
		return
	}
	if comparePositions(to, from) <= 0 {
		to = position{len(f.lines) + 1, 1}
	}
	for line := from.line; line <= to.line && line <= len(f.lines); line++ {
		s := span{1, math.MaxInt}
		if line == from.line {
			s.from = from.column
		}
		if line == to.line {
			s.to = to.column
		}
		f.hidden[line] = append(f.hidden[line], s)
	}
}

// refers reports whether a value consists of `${…}` references.
func refers(value string) bool {
	parts := policy.Split(value)
	for _, p := range parts {
		if p.Kind != policy.Variable && p.Kind != policy.FileText {
			return false
		}
	}
	return len(parts) > 0
}

// mask returns a line with each character of a secret replaced by *. It keeps
// the last line, which may be long and have many faults.
func (f *File) mask(line int) []rune {
	if f.masked.line != line {
		f.masked.line, f.masked.text = line, f.maskLine(line)
	}
	return f.masked.text
}

func (f *File) maskLine(line int) []rune {
	text := f.lines[line-1]
	if f.marks[""].value.line == 0 { // the file could not be parsed
		text = maskGuess(text)
	}
	shown := []rune(text)
	for _, s := range f.hidden[line] {
		for i := max(s.from-1, 0); i < min(s.to-1, len(shown)); i++ {
			if shown[i] != ' ' && shown[i] != '\t' {
				shown[i] = '*'
			}
		}
	}
	return shown
}

// maskGuess masks the text after a word that is a key of secrets.
func maskGuess(text string) string {
	lower := strings.ToLower(text)
	if len(lower) != len(text) {
		return text
	}
	for _, word := range [...]string{"secret", "privatekey", "aeskey", "conn", "password"} {
		i := strings.Index(lower, word)
		if i < 0 {
			continue
		}
		colon := strings.IndexByte(text[i:], ':')
		if colon < 0 {
			continue
		}
		from := i + colon + 1
		value := strings.TrimLeft(text[from:], " \t\"'")
		if strings.HasPrefix(value, "${") {
			continue
		}
		from = len(text) - len(value)
		return text[:from] + strings.Repeat("*", utf8.RuneCountInString(value))
	}
	return text
}
