package httpfield

import (
	"slices"
	"testing"
)

func TestCookies(t *testing.T) {
	for _, tt := range []struct {
		lines  []string
		values []string // of the cookie a
		rest   []string // without it
	}{
		{nil, nil, nil},
		{[]string{"a=1"}, []string{"1"}, nil},
		{[]string{"b=2; a=1;c=3"}, []string{"1"}, []string{"b=2; c=3"}},
		{[]string{"b=2", "a=1"}, []string{"1"}, []string{"b=2"}},
		{[]string{"a=1; a = 2"}, []string{"1", "2"}, nil},
		{[]string{"a"}, nil, nil}, // some servers read it as a cookie a
		{[]string{"A=1; xa=2"}, nil, []string{"A=1; xa=2"}},
	} {
		if got := Cookies(tt.lines, "a"); !slices.Equal(got, tt.values) {
			t.Errorf("%q: values %q, want %q", tt.lines, got, tt.values)
		}
		if got := WithoutCookie(tt.lines, "a"); !slices.Equal(got, tt.rest) {
			t.Errorf("%q: without a %q, want %q", tt.lines, got, tt.rest)
		}
	}
}

func TestParameter(t *testing.T) {
	for query, want := range map[string][]string{
		"":             nil,
		"a=1&b=2&%61":  {"1", ""},
		"a=%zz&a=b+c":  {"%zz", "b c"},
		"b=1&aa=2&A=3": nil,
	} {
		if got := Parameter(query, "a"); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
	if got := WithoutParameter("b=%zz&a=1&%61=2&c", "a"); got != "b=%zz&c" {
		t.Errorf("got %q", got)
	}
}

func TestSplitPort(t *testing.T) {
	for s, want := range map[string][2]string{
		"h": {"h", ""}, "h:1": {"h", "1"}, "h:": {"h", ""}, "[::1]:1": {"[::1]", "1"}, "[::1]": {"[::1]", ""}, "::1": {"::1", ""},
	} {
		if host, port := SplitPort(s); host != want[0] || port != want[1] {
			t.Errorf("%q: got %q and %q, want %q", s, host, port, want)
		}
	}
}
