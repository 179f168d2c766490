package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// anyAct makes a clause that the model of FuzzMask does not have, or a simple one.
func (m *maker) anyAct(doc *tree) string {
	path := "res." + strings.Join(m.path(doc), ".")
	optional := []string{"", `,"optional":true`}[m.next(2)]
	switch m.next(8) {
	case 0, 1, 2:
		return fmt.Sprintf(`{"rule":"remove","fields":[%q]%s}`, path, optional)
	case 3:
		return fmt.Sprintf(`{"rule":"hash","fields":[%q,%q]%s}`, path, "res."+strings.Join(m.path(doc), "."), optional)
	case 4:
		return fmt.Sprintf(`{"rule":"force","field":%q,"value":%s}`, path, madeValues[m.next(len(madeValues))].tokens())
	case 5:
		return fmt.Sprintf(`{"rule":"keep","field":%q,"keys":[%q,%q]%s}`, path, madeKeys[m.next(len(madeKeys))], madeKeys[0], optional)
	case 6:
		return fmt.Sprintf(`{"rule":"each","field":%q,"clauses":[{"rule":"remove","fields":["item.%s"],"optional":true}]%s}`, path, madeKeys[m.next(len(madeKeys))], optional)
	}
	return fmt.Sprintf(`{"rule":"filter","field":%q,"onUnknown":"drop","clause":{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(item.%s)","f2":true}}`, path, madeKeys[m.next(len(madeKeys))])
}

// FuzzMaskIsTree compares the edits of a text in one pass with those of a tree, one
// after the other.
func FuzzMaskIsTree(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		data := make([]byte, 20+random.IntN(300))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &maker{data: data}
		doc, text := m.doc(docDepth)
		var clauses []string
		for range 1 + m.next(5) {
			clauses = append(clauses, m.anyAct(doc))
		}
		v := evaluate(t, `{"rule":"and","clauses":[`+strings.Join(clauses, ",")+`]}`, `{}`, nil)
		if v.Outcome != Yes {
			t.Fatalf("%s: %v %s", clauses, v.Outcome, v.Reason)
		}
		r := new(run)
		r.start(&Input{}, nil)
		want, wantErr := applyToTree(r, text, v.Response, 16)
		got, err := ApplyResponse(text, v.Response, 16, 0)
		if (err == nil) != (wantErr == nil) || err == nil && compact(got) != compact(want) {
			t.Fatalf("%s\n%s\nbecame\n%s, %v; as a tree\n%s, %v", clauses, text, got, err, want, wantErr)
		}
		if got, err := ApplyResponse(text+"x", v.Response, 16, 0); err == nil {
			t.Fatalf("%s became %s", text+"x", got)
		}
	})
}

// TestMaskIsUsed: common masks need no tree.
func TestMaskIsUsed(t *testing.T) {
	for _, c := range []struct {
		rule string
		ok   bool
	}{
		{`{"rule":"remove","fields":["res.a","res.b.c","res.b.d","res.rows.x"]}`, true},
		{`{"rule":"remove","fields":["res.b.c","res.a","res.b.d"]}`, true},
		{`{"rule":"and","clauses":[{"rule":"hash","fields":["res.a"]},{"rule":"force","field":"res.b","value":1},{"rule":"keep","field":"res.c","keys":["x"]}]}`, true},
		{`{"rule":"remove","fields":["res.a","res.a.b"]}`, false},
		{`{"rule":"remove","fields":["res.a.b","res.a"]}`, false},
		{`{"rule":"and","clauses":[{"rule":"remove","fields":["res.a"]},{"rule":"force","field":"res.a","value":1}]}`, false},
		{`{"rule":"and","clauses":[{"rule":"force","field":"res.a.b","value":1},{"rule":"force","field":"res.b","value":1},{"rule":"force","field":"res.a.c","value":1}]}`, false},
	} {
		if ok := (&mask{edits: evaluate(t, c.rule, `{}`, nil).Response}).plan(); ok != c.ok {
			t.Errorf("%s: %t", c.rule, ok)
		}
	}
}

// BenchmarkMask compares the mask of three fields in rows with that of a tree.
func BenchmarkMask(b *testing.B) {
	r := mustCompile(b, `{"rule":"remove","fields":["res.email","res.address.street","res.phone"]}`)
	edits := r.Eval(&Input{}, nil).Response
	row := `{"id":1,"name":"Ann","email":"a@example.com","phone":"1","address":{"street":"x","city":"Bern"}}`
	for name, n := range map[string]int{"1KB": 10, "10KB": 100, "100KB": 1000} {
		body := "[" + strings.Repeat(row+",", n) + row + "]"
		for way, apply := range map[string]func() (string, error){
			"text": func() (string, error) { return ApplyResponse(body, edits, 16, 1<<30) },
			"tree": func() (string, error) {
				r := &run{most: 1 << 30}
				return applyToTree(r, body, edits, 16)
			},
		} {
			b.Run(name+"/"+way, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := apply(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
