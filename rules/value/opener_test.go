package value

import (
	"strings"
	"testing"
)

// FuzzOpener compares an Opener with Parse: the same texts are refused, for the same
// reason, and the same members are found.
func FuzzOpener(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, ` { "a" : 1 , "b":-2.5e3 , "c" : [ {"a":1} ] , "d" : { "e" : {} } } `, `[{"a":1},2]`, `"x"`, `1`, `null`, ``,
		`{"":"","\u0061b":"\ud83d\ude00\n","t":true,"f":false,"n":null,"é":"é"}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1,"b":2}}`,
		`{"a":1}x`, `{"a":[[[[[1]]]]]}`, `{"a":{}} `, `{"a":"`, `{"a"`, `{"a":}`, `{"a":1,}`, object(openMembers), object(openMembers + 1), object(100),
	} {
		f.Add(text)
	}
	var o Opener
	f.Fuzz(func(t *testing.T, text string) {
		want, wantErr := Parse(text, 4)
		got, err := o.Parse(text, 4)
		defer o.Clear()
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%q: got %v, want %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if got.Kind() != want.Kind() || got.String() != want.String() || got.Len() != want.Len() {
			t.Fatalf("%q: got %s of %d, want %s of %d", text, got, got.Len(), want, want.Len())
		}
		if few := want.Kind() == Object && want.Len() <= openMembers; got.IsText() == few && (few || got.Kind() >= Array) {
			t.Errorf("%q: %d members, at hand: %t", text, want.Len(), !got.IsText())
		}
		a, b := got.members(), want.members()
		for i := range b {
			if a[i].Key != b[i].Key || a[i].raw != b[i].raw || a[i].Value.kind != b[i].Value.kind || a[i].Value.text != b[i].Value.text {
				t.Errorf("%q: member %d: got %+v, want %+v", text, i, a[i], b[i])
			}
			x, _ := a[i].Value.Text()
			if y, _ := b[i].Value.Text(); x != y {
				t.Errorf("%q: member %d: got %q, want %q", text, i, x, y)
			}
		}
	})
}

// object returns an object of n members.
func object(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"` + strings.Repeat("k", i) + `":{"x":[` + strings.Repeat(" ", i) + `]}`)
	}
	return "{" + b.String()[1:] + "}"
}

// TestOpenerKeepsNothing: Clear leaves nothing of a text in the memory, and Parse then
// allocates nothing.
func TestOpenerKeepsNothing(t *testing.T) {
	var o Opener
	for _, text := range []string{object(openMembers), object(openMembers + 1), `{"a":"b"}`, `{"a":`} {
		_, _ = o.Parse(text, 4)
		o.Clear()
		for i, m := range o.members[:cap(o.members)] {
			if m.Key != "" || m.raw != "" || m.Value.Kind() != Missing {
				t.Errorf("%.20s: member %d is still %+v", text, i, m)
			}
		}
		if o.text != "" || o.node.members != nil {
			t.Errorf("%.20s: kept", text)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		_, _ = o.Parse(`{"a":"b","c":[1,2,{"d":3}],"e":4}`, 4)
		o.Clear()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
