package strictjson

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       error // errAny: any error
	}{
		{"object", `{"a":1,"b":[true,false,null,"x",-0.5e+3]}`, nil},
		{"scalar", ` 5 `, nil},
		{"empty containers", `[{},[],{"a":{}}]`, nil},
		{"escapes", `"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00"`, nil},
		{"repeated key", `{"a":1,"a":2}`, ErrRepeated},
		{"same key in two objects", `[{"a":1},{"a":2}]`, nil},
		{"same key in an inner object", `{"a":{"a":1},"b":{"a":1}}`, nil},
		{"repeated after an inner object", `{"a":{"b":1},"a":2}`, ErrRepeated},
		{"repeated by an escape", `{"ab":1,"\u0061b":2}`, ErrRepeated},
		{"escape of another key", `{"ab":1,"\u0062b":2}`, nil},
		{"repeated by an escape behind an object", `{"a":{"\u0062":1},"\u0061":2}`, ErrRepeated},
		{"repeated by two escapes", `{"\u0061":{"\u0061":1},"\u0061\u0062":0,"a\u0062":2}`, ErrRepeated},
		{"escapes of other keys in another object", `[{"\u0061":1},{"\u0061":{"\u0061":1}}]`, nil},
		{"repeated by a surrogate pair", `{"😀":1,"\ud83d\ude00":2}`, ErrRepeated},
		{"lone high surrogate", `"\ud83d"`, ErrUTF8},
		{"lone low surrogate", `"\ude00"`, ErrUTF8},
		{"high surrogate twice", `"\ud83d\ud83d"`, ErrUTF8},
		{"invalid UTF-8", "\"\xff\"", ErrUTF8},
		{"overlong UTF-8", "\"\xc0\xaf\"", ErrUTF8},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", ErrUTF8},
		{"invalid UTF-8 in a key", "{\"\xff\":1}", ErrUTF8},
		{"byte order mark", "\ufeff{}", errAny},
		{"trailing text", `{} x`, errAny},
		{"second value", `{} {}`, errAny},
		{"trailing comma", `[1,]`, errAny},
		{"trailing comma in an object", `{"a":1,}`, errAny},
		{"leading comma", `[,1]`, errAny},
		{"single quotes", `{'a':1}`, errAny},
		{"bare key", `{a:1}`, errAny},
		{"comment", `{}//`, errAny},
		{"leading zero", `01`, errAny},
		{"plus", `+1`, errAny},
		{"bare point", `1.`, errAny},
		{"bare exponent", `1e`, errAny},
		{"minus alone", `-`, errAny},
		{"NaN", `NaN`, errAny},
		{"control character", "\"\x01\"", errAny},
		{"newline in a string", "\"\n\"", errAny},
		{"bad escape", `"\x41"`, errAny},
		{"short unicode escape", `"\u004"`, errAny},
		{"open string", `"abc`, errAny},
		{"open escape", `"abc\`, errAny},
		{"open object", `{"a":1`, errAny},
		{"wrong end", `[1}`, errAny},
		{"no colon", `{"a" 1}`, errAny},
		{"nothing", ``, errAny},
		{"white space alone", ` `, errAny},
		{"word cut", `tru`, errAny},
		{"word and more", `truex`, errAny},
		{"at the depth", strings.Repeat("[", 64) + strings.Repeat("]", 64), nil},
		{"over the depth", strings.Repeat("[", 65) + strings.Repeat("]", 65), ErrDepth},
		{"empty object over the depth", strings.Repeat("[", 64) + "{}" + strings.Repeat("]", 64), ErrDepth},
		{"a million deep", strings.Repeat("[", 1<<20), ErrDepth},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Check(tc.text, 64)
			switch {
			case tc.want == nil && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want == errAny && err == nil, tc.want != nil && tc.want != errAny && !errors.Is(err, tc.want):
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

var errAny = errors.New("any error")

func TestCheckManyKeys(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"k0":0`)
	for i := range 5000 {
		b.WriteString(`,"k1` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "-" + string(rune(0x4e00+i)) + `":1`)
	}
	if err := Check(b.String()+"}", 8); err != nil {
		t.Errorf("distinct keys refused: %v", err)
	}
	if err := Check(b.String()+`,"k0":1}`, 8); !errors.Is(err, ErrRepeated) {
		t.Errorf("repeated key among many: got %v", err)
	}
}

// A text that passes is JSON to encoding/json too; the reverse does not hold.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"\u0041\ud83d\ude00"],"b":null}`, `{"a":1,"a":2}`, `[[[[]]]]`, `"\ud800"`, "\xff", `-0.0`, `{"\u0061":1,"a":2}`} {
		f.Add(s)
	}
	for i := range 10 {
		pad := strings.Repeat("x", i)
		for _, s := range []string{`"`, `\"`, `\u0041`, "\x1f", "\x7f", "\x80", "é", "\xc3", "!", "#", "[", "]", "^", "!\"", "]\\"} {
			f.Add(`["` + pad + s + pad + `","` + pad + `"]`)
			f.Add(`{"` + pad + s + pad + `": {"a":1,"` + pad + `b":[]}, "` + pad + `" : 1e1}`)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		err, slow := Check(text, 32), slowCheck(text, 32)
		if (err == nil) != (slow == nil) || err != nil && err.Error() != slow.Error() {
			t.Errorf("%q: %v, byte by byte: %v", text, err, slow)
		}
		if err == nil && !json.Valid([]byte(text)) {
			t.Errorf("accepted what encoding/json refuses: %q", text)
		}
		all, some := teller{text: text, t: t}, teller{text: text, t: t, selective: true}
		if err1, err2 := Scan(text, 32, &all), Scan(text, 32, &some); (err1 == nil) != (err == nil) || (err2 == nil) != (err == nil) {
			t.Errorf("%q: %v and %v with a Visitor, %v without", text, err1, err2, err)
		}
		if want := all.selection(); err == nil && !slices.Equal(some.told, want) {
			t.Errorf("%q: told %v, want %v", text, some.told, want)
		}
	})
}

// BenchmarkCheck compares Check with the check byte by byte, for rows of few members
// and for long strings.
func BenchmarkCheck(b *testing.B) {
	rows := `{"user":{"id":"1","name":"Ann","tags":["a","b","c"],"address":{"city":"Bern","zip":3011}},"items":[` +
		strings.Repeat(`{"id":1,"price":2.5,"name":"thing"},`, 100) + `{}]}`
	long := `{"a":"` + strings.Repeat("a text without anything to escape ", 100) + `"}`
	for name, text := range map[string]string{"rows": rows, "long": long} {
		for way, check := range map[string]func(string, int) error{"words": Check, "bytes": slowCheck} {
			b.Run(name+"/"+way, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if err := check(text, 64); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
