package value

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzValue compares every key, text and number that is read from a text with
// encoding/json's reading of it.
func FuzzValue(f *testing.F) {
	for _, s := range []string{
		`{"a":"b","c":[1,-2.5e3,true,false,null,{}],"d":{"":[]}}`, ` [ "x" , [ ] , { } ] `, `"\u00e9\ud83d\ude00\n\"\\"`,
		`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m\u0000":{"n":[13]}}`, `{"\u0061":1,"b\\":2}`, `"` + strings.Repeat("x", 40) + `\\"`, `["` + strings.Repeat(`\\`, 40) + `","y"]`,
		`["` + strings.Repeat("x", 31) + `\"y","z"]`, `{"` + strings.Repeat(`\"`, 30) + `":"` + strings.Repeat(`"\`, 0) + `"}`, `0`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text, 32)
		if err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		compare(t, v, want)
		for _, most := range []int{1 << 20, 4} {
			indexed, size := v.Indexed(most)
			compare(t, indexed, want)
			if indexed.String() != v.String() || (size > 0) != (indexed.Derived() != nil) && v.Kind() != String {
				t.Errorf("%v indexed is %v of %d bytes", v, indexed, size)
			}
			sameChanges(t, v, indexed)
		}
		if got := v.String(); got != strings.Trim(text, " \t\r\n") {
			t.Errorf("%q is written as %q", text, got)
		}
	})
}

// sameSplice: what is spliced is what With makes, and JSON.
func sameSplice(t *testing.T, v Value, key string, x Value) {
	t.Helper()
	if v.Kind() != Object {
		return
	}
	got, ok := v.Splice(key, func(old Value, _ int) (Value, bool) {
		if before := v.Key(key); old.Kind() != before.Kind() || old.String() != before.String() {
			t.Errorf("%v: the old value of %q is %v", v, key, old)
		}
		return x, true
	})
	again, err := Parse(got.String(), 100)
	if want := v.With(key, x); !ok || err != nil || !Equal(again, want) || again.Len() != want.Len() {
		t.Errorf("%v with %q as %v is %v (%v), want %v", v, key, x, got, err, want)
	}
	if kept, ok := v.Splice(key, func(Value, int) (Value, bool) { return x, false }); ok || !kept.Same(v) {
		t.Errorf("%v: a change that fails makes %v", v, kept)
	}
}

// sameChanges: changes of an indexed value are those of the text.
func sameChanges(t *testing.T, v, indexed Value) {
	t.Helper()
	if !Equal(v, indexed) || !Equal(indexed, v) {
		t.Errorf("%v is not equal to itself when it is indexed", v)
	}
	v.Each(func(key string, x Value) bool {
		sameSplice(t, v, key, Str("new"))
		sameSplice(t, v, key, Arr(Int(1), x))
		sameSplice(t, v, key, Value{})
		sameSplice(t, v, key+"0", x)
		a, b := v.With(key, Str("new")), indexed.With(key, Str("new"))
		c, d := v.Without(key), indexed.Without(key)
		e, _ := v.Set([]string{key, "deep"}, x)
		f, _ := indexed.Set([]string{key, "deep"}, x)
		if a.String() != b.String() || c.String() != d.String() || e.String() != f.String() || b.Key(key).String() != a.Key(key).String() || d.Key(key).Kind() != c.Key(key).Kind() {
			t.Errorf("%v: %v and %v; %v and %v; %v and %v", v, a, b, c, d, e, f)
		}
		return true
	})
}

func compare(t *testing.T, v Value, want any) {
	t.Helper()
	n := -1
	switch want := want.(type) {
	case nil:
		if v.Kind() != Null {
			t.Errorf("%v is %v", v, v.Kind())
		}
	case bool:
		if v.Kind() != Bool || v.IsTrue() != want {
			t.Errorf("%v is no %v", v, want)
		}
	case json.Number:
		if text, ok := v.Number(); !ok || text != string(want) {
			t.Errorf("%v is no %v", v, want)
		}
	case string:
		if text, ok := v.Text(); !ok || text != want {
			t.Errorf("%q is no %q", text, want)
		}
	case []any:
		n = 0
		v.Each(func(_ string, x Value) bool {
			compare(t, x, want[n])
			compare(t, v.At(n), want[n])
			n++
			return true
		})
		if n != len(want) || v.Len() != n || v.At(n).Kind() != Missing {
			t.Errorf("%v has %d elements", v, n)
		}
	case map[string]any:
		n = 0
		v.Each(func(key string, x Value) bool {
			member, ok := want[key]
			if !ok {
				t.Errorf("%v has no %q", v, key)
			}
			compare(t, x, member)
			compare(t, v.Key(key), member)
			n++
			return true
		})
		if n != len(want) || v.Len() != n || v.With("a new key", NullValue).Len() != n+1 {
			t.Errorf("%v has %d members", v, n)
		}
	}
}

// FuzzString: a string is written as encoding/json writes it.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a\"b\\c/", "\x00\b\f\n\r\t\x1f\x7f", "<&>\u2028\u2029", "é😀", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := AppendString(nil, text)
		if want, _ := json.Marshal(text); utf8.ValidString(text) && !bytes.Equal(got, want) {
			t.Errorf("%q is written as %s, want %s", text, got, want)
		}
		if v, err := Parse(string(got), 0); err != nil {
			t.Errorf("%s: %v", got, err)
		} else if back, _ := v.Text(); utf8.ValidString(text) && back != text {
			t.Errorf("%q came back as %q", text, back)
		}
	})
}
