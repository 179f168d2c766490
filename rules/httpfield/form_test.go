package httpfield

import (
	"errors"
	"testing"
)

func TestParseFormRefusesWhatServersReadDifferently(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want error
	}{
		{"a=%", ErrEscape}, {"a=%4", ErrEscape}, {"a=%zz", ErrEscape}, {"%zz=a", ErrEscape},
		{"a=%ff", ErrUTF8}, {"%c0%80=1", ErrUTF8}, {"a=\xff", ErrUTF8},
		{"a=1;b=2", ErrSemicolon},
	} {
		if _, err := ParseForm(tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%q: got %v, want %v", tt.in, err, tt.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a b+c%&=;é")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Unescape(Escape(s))
		if err == nil && got != s {
			t.Errorf("%q became %q", s, got)
		}
		if ps, err := ParseForm(Escape(s) + "=" + Escape(s)); err == nil && (len(ps) != 1 || ps[0].Name != s || ps[0].Value != s) {
			t.Errorf("%q: parsed as %+v", s, ps)
		}
	})
}
