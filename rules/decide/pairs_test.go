package decide

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/httpfield"
)

func TestPairs(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", `{}`},
		{"a=1", `{"a":"1"}`},
		{"a=1&b=2&a=3", `{"a":["1","3"],"b":"2"}`},
		{"a", `{"a":""}`},
		{"a=", `{"a":""}`},
		{"=x", `{"":"x"}`},
		{"a=b=c", `{"a":"b=c"}`},
		{"&&a=1&", `{"a":"1"}`},
		{"a+b=c+d%2B", `{"a b":"c d+"}`},
		{"%61=1&a=2", `{"a":["1","2"]}`},
		{"a=%C3%A9", `{"a":"é"}`},
		{"a[]=1&a.b=2", `{"a[]":"1","a.b":"2"}`},
	} {
		ps, err := httpfield.ParseForm(tt.in)
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
		} else if got := object(ps).String(); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestRewriteKeepsWhatDidNotChange(t *testing.T) {
	ps, err := httpfield.ParseForm("z=%7e&a=1&b=x+y&a=2&c")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change map[string][]string
		want   string
	}{
		{"nothing", nil, "z=%7e&a=1&b=x+y&a=2&c"},
		{"a value", map[string][]string{"b": {"1"}}, "z=%7e&a=1&b=1&a=2&c"},
		{"a repeated one", map[string][]string{"a": {"9"}}, "z=%7e&a=9&b=x+y&c"},
		{"to several", map[string][]string{"c": {"1", "2"}}, "z=%7e&a=1&b=x+y&a=2&c=1&c=2"},
		{"removed", map[string][]string{"a": nil}, "z=%7e&b=x+y&c"},
		{"added", map[string][]string{"n&=": {"ü "}}, "z=%7e&a=1&b=x+y&a=2&c&n%26%3D=%C3%BC%20"},
	} {
		e := newEdits()
		for name, values := range tt.change {
			e.names = append(e.names, name)
			e.values[name] = values
		}
		if got := rewritePairs(ps, e); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestManyPairs(t *testing.T) {
	var in, want []string
	for i := range 3 * few {
		in = append(in, fmt.Sprintf("n%d=a", i))
		want = append(want, fmt.Sprintf(`"n%d":["a","b"]`, i))
	}
	for i := range 3 * few {
		in = append(in, fmt.Sprintf("n%d=b", i))
	}
	ps, err := httpfield.ParseForm(strings.Join(in, "&"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := object(ps).String(), "{"+strings.Join(want, ",")+"}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
