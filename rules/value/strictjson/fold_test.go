package strictjson

import (
	"strings"
	"testing"
	"unicode"
)

// TestWithoutCase: two letters have the same fold exactly if EqualFold takes them
// for one.
func TestWithoutCase(t *testing.T) {
	byFold := map[string][]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r < 0xd800 || r > 0xdfff {
			f := withoutCase(string(r))
			byFold[f] = append(byFold[f], r)
		}
	}
	for f, letters := range byFold {
		for _, r := range letters {
			if !strings.EqualFold(string(letters[0]), string(r)) {
				t.Errorf("%q and %q have the fold %q", letters[0], r, f)
			}
			if next := unicode.SimpleFold(r); withoutCase(string(next)) != f {
				t.Errorf("%q and %q have different folds", r, next)
			}
		}
	}
}

func TestAlike(t *testing.T) {
	for text, want := range map[string]bool{
		`{"role":1,"Role":2}`:                          true,
		`{"role":1,"roles":2,"Roled":3}`:               false,
		`{"Role":1}`:                                   false,
		`[{"a":{"role":1}},{"a":{"Role":1}}]`:          false,
		`[1,{"a":[{"x":"X","\u0052ole":1,"rOLE":2}]}]`: true,
		`{"\u017fize":1,"size":2}`:                     true,
		`{"\u212aey":1,"x":2,"key":{}}`:                true,
		`"role"`:                                       false,
		`[["a","A"]]`:                                  false,
		`{"a":{"b":1},"b":{"A":1},"B":0}`:              true,
	} {
		if got := Alike(text); got != want {
			t.Errorf("%s: want %v, found %v", text, want, got)
		}
	}
}
