package strictjson

import (
	"strings"
	"testing"
)

// told is one call of a Visitor.
type told struct {
	what       byte // s, k, or a bracket
	start, end int
	name       string
}

// teller is a Visitor that writes down all calls. A selective one does not want to
// know the values of some keys, and what is in some arrays and objects.
type teller struct {
	t         *testing.T
	text      string
	selective bool
	told      []told
}

func wantsValue(name string) bool { return !strings.HasSuffix(name, "a") }
func wantsInside(start int) bool  { return start%3 != 1 }

func (v *teller) Scalar(start, end int, escaped bool) {
	if text := v.text[start:end]; escaped != strings.Contains(text, `\`) || strings.TrimSpace(text) != text {
		v.t.Errorf("%q: the scalar %q, escaped %t", v.text, text, escaped)
	}
	v.told = append(v.told, told{what: 's', start: start, end: end})
}

func (v *teller) Open(object bool, start int) bool {
	if object != (v.text[start] == '{') {
		v.t.Errorf("%q: no object at %d", v.text, start)
	}
	v.told = append(v.told, told{what: v.text[start], start: start})
	return !v.selective || wantsInside(start)
}

func (v *teller) Key(name string, start, end, before int) bool {
	if raw := v.text[start:end]; Unescape(raw[1:len(raw)-1]) != name {
		v.t.Errorf("%q: the key %s is told as %q", v.text, raw, name)
	}
	if gap := v.text[before:start]; v.text[before-1] != '{' && strings.Trim(gap, " \n\t\r") != "," || v.text[before-1] == '{' && strings.Trim(gap, " \n\t\r") != "" {
		v.t.Errorf("%q: %q between a value and the key at %d", v.text, gap, start)
	}
	v.told = append(v.told, told{what: 'k', start: start, end: before, name: name})
	return !v.selective || wantsValue(name)
}

func (v *teller) Close(start, end int) {
	v.told = append(v.told, told{what: v.text[end-1], start: start, end: end})
}

// selection returns the calls that a selective teller gets, of all calls.
func (v *teller) selection() (want []told) {
	for i := 0; i < len(v.told); i++ {
		at := v.told[i]
		want = append(want, at)
		switch {
		case at.what == 'k' && !wantsValue(at.name):
			i = v.valueEnd(i + 1)
		case (at.what == '{' || at.what == '[') && !wantsInside(at.start):
			i = v.valueEnd(i) - 1
		}
	}
	return want
}

// valueEnd is the index of the last call about the value that starts at index i.
func (v *teller) valueEnd(i int) int {
	for depth := 0; i < len(v.told); i++ {
		switch v.told[i].what {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth == 0 && v.told[i].what != 'k' {
			return i
		}
	}
	return i
}
