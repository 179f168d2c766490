package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// maker makes documents and acts from the fuzzer's bytes. When they are used up, it
// makes the simplest ones.
type maker struct {
	data  []byte
	words []string // the strings in the document, all different
}

func (m *maker) next(n int) int {
	if len(m.data) == 0 {
		return 0
	}
	b := m.data[0]
	m.data = m.data[1:]
	return int(b) % n
}

var madeKeys = [...]string{"a", "b", "c", "0", "ä", "x_y"}

// spelled are the ways in which madeKeys stand in a document.
var spelled = [...][]string{{`"a"`, `"\u0061"`}, {`"b"`, `"\u0062"`}, {`"c"`}, {`"0"`, `"\u0030"`}, {`"ä"`, `"\u00e4"`, `"\u00E4"`}, {`"x_y"`, `"x\u005fy"`}}

func (m *maker) space() string { return []string{"", " ", "\n\t", "", ""}[m.next(5)] }

const docDepth = 5

// doc makes a document and its text.
func (m *maker) doc(depth int) (*tree, string) {
	kind := m.next(8)
	if depth == docDepth {
		kind = m.next(8) % 4 // mostly an object, at the top
	}
	switch {
	case kind < 3 && depth > 0:
		n, text := &tree{kind: '{'}, "{"
		for i := range m.next(5) {
			k := m.next(len(madeKeys))
			written := spelled[k][m.next(len(spelled[k]))]
			value, valueText := m.doc(depth - 1)
			if n.get(madeKeys[k]) != nil && m.next(64) != 1 {
				continue // mostly without repeated keys
			}
			if i > 0 && len(n.object) > 0 {
				text += "," + m.space()
			}
			n.object = append(n.object, &branch{written, madeKeys[k], value})
			text += m.space() + written + m.space() + ":" + m.space() + valueText + m.space()
		}
		return n, text + "}"
	case kind == 3 && depth > 0:
		n, text := &tree{kind: '['}, "["
		for i := range m.next(4) {
			if i > 0 {
				text += m.space() + ","
			}
			value, valueText := m.doc(depth - 1)
			n.list = append(n.list, value)
			text += m.space() + valueText
		}
		return n, text + "]"
	case kind < 6:
		word := fmt.Sprintf("word-%d-", len(m.words))
		m.words = append(m.words, word)
		text := `"` + word + []string{``, `\u00e9`, `é<&>`, `\/\\\"`, `\ud83d\ude00`, ` {[,`}[m.next(6)] + `"`
		return leaf(text), text
	}
	text := []string{"null", "true", "false", "1.50e1", "-0", "12345678901234567890.10", "0", "1E+2"}[m.next(8)]
	return leaf(text), text
}

var madeValues = [...]*tree{
	leaf(`"forced"`), leaf(`7.0`), leaf(`null`), leaf(`"\u00e9"`),
	{kind: '{', object: []*branch{{`"b"`, "b", &tree{kind: '[', list: []*tree{leaf(`1`), {kind: '{'}}}}}},
}

// path mostly follows the members of the document.
func (m *maker) path(n *tree) (keys []string) {
	for range 1 + m.next(3) {
		for n != nil && n.kind == '[' && len(n.list) > 0 {
			n = n.list[m.next(len(n.list))]
		}
		if n == nil || len(n.object) == 0 || m.next(12) == 1 {
			return append(keys, madeKeys[m.next(len(madeKeys))])
		}
		b := n.object[m.next(len(n.object))]
		keys, n = append(keys, b.key), b.value
	}
	return keys
}

func (m *maker) act(doc *tree) act {
	s := act{rule: []string{"remove", "remove", "hash", "force", "encrypt", "filter"}[m.next(6)]}
	s.path = m.path(doc)
	s.made = madeValues[m.next(len(madeValues))]
	s.key = madeKeys[m.next(len(madeKeys))]
	return s
}

// FuzzMask compares ApplyResponse with the model, token by token: no value that was
// removed, replaced, hashed or filtered goes out, and the rest is as it was written.
func FuzzMask(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		data := make([]byte, 20+random.IntN(300))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &maker{data: data}
		doc, text := m.doc(docDepth)
		var acts []act
		var clauses []string
		for range 1 + m.next(4) {
			s := m.act(doc)
			acts, clauses = append(acts, s), append(clauses, s.clause())
		}
		v := evaluate(t, `{"rule":"and","clauses":[`+strings.Join(clauses, ",")+`]}`, `{}`, nil)
		if v.Outcome != Yes {
			t.Fatalf("%s: %v %s", clauses, v.Outcome, v.Reason)
		}

		want, pass := doc, !doc.repeats()
		if doc.leaf != "null" {
			for i := range acts {
				if pass {
					want, pass = acts[i].do(want, acts[i].path)
				}
			}
		}
		got, err := ApplyResponse(text, v.Response, 16, 0)
		switch {
		case err != nil && pass:
			t.Fatalf("%s\n%s\nblocked: %v, want\n%s", clauses, text, err, want.tokens())
		case err == nil && !pass:
			t.Fatalf("%s\n%s\npassed as\n%s", clauses, text, got)
		case err != nil:
			for _, word := range m.words {
				if strings.Contains(err.Error(), word) {
					t.Fatalf("%s\n%s\nthe error holds a value: %v", clauses, text, err)
				}
			}
			return
		}
		if compact(got) != want.tokens() {
			t.Fatalf("%s\n%s\nbecame\n%s, want\n%s", clauses, text, got, want.tokens())
		}
		// A check without tokens: an unwanted word is nowhere in the text.
		for _, word := range m.words {
			if !strings.Contains(want.tokens(), word) && strings.Contains(got, word) {
				t.Fatalf("%s\n%s\nlets out %s:\n%s", clauses, text, word, got)
			}
		}
		if _, err := value.Parse(got, 64); err != nil {
			t.Fatalf("%s\n%s\nbecame\n%s: %v", clauses, text, got, err)
		}
	})
}
