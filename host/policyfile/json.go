package policyfile

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

// isJSON reports whether a file is JSON, by its name or by its content. YAML
// includes most of JSON, but allows tabs in fewer places.
func isJSON(path, text string) bool {
	if strings.HasSuffix(strings.ToLower(path), ".json") {
		return true
	}
	return strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") && strictjson.Check(text, policy.MaxDepth) == nil
}

func (f *File) readJSON(text string) error {
	doc, err := value.Parse(text, policy.MaxDepth)
	if err != nil {
		fault := Fault{Message: err.Error(), Line: 1, Column: 1}
		var at *strictjson.Error
		if errors.As(err, &at) {
			p := (&jsonMarker{f: f, text: text}).position(min(at.Offset, len(text)))
			fault = Fault{Message: at.Err.Error(), Line: p.line, Column: p.column}
			if strings.HasPrefix(text[min(at.Offset, len(text)):], "/") {
				fault.Message = "JSON has no comments"
			}
		}
		return &Error{f, []Fault{fault}}
	}
	f.Doc = doc
	body := strings.TrimLeft(text, " \t\r\n")
	m := &jsonMarker{f: f, text: text, base: len(text) - len(body)}
	m.mark(gjson.Parse(body), "", position{})
	return nil
}

// jsonMarker records the positions of the values of a JSON text. It visits them
// in order, so that it counts each line once.
type jsonMarker struct {
	f            *File
	text         string
	base         int // offset of the root value, from which gjson counts
	offset       int
	line, column int
}

func (m *jsonMarker) position(offset int) position {
	if m.line == 0 || offset < m.offset {
		m.offset, m.line, m.column = 0, 1, 1
	}
	passed := m.text[m.offset:offset]
	if n := strings.Count(passed, "\n"); n > 0 {
		m.line += n
		m.column = 1
		passed = passed[strings.LastIndexByte(passed, '\n')+1:]
	}
	m.column += utf8.RuneCountInString(passed)
	m.offset = offset
	return position{m.line, m.column}
}

// mark records a value and its content. The text is valid JSON, and not nested
// deeper than policy.MaxDepth.
func (m *jsonMarker) mark(v gjson.Result, place string, key position) {
	at := m.position(m.base + v.Index)
	m.f.marks[place] = mark{key: key, value: at}
	if !v.IsObject() && !v.IsArray() {
		if m.f.isSecret(place) {
			m.f.hide(v.String(), at, m.position(m.base+v.Index+len(v.Raw)))
		}
		return
	}
	i := 0
	v.ForEach(func(k, x gjson.Result) bool {
		sub, keyAt := rules.Elem(place, i), position{}
		if v.IsObject() {
			sub = rules.Join(place, k.Str)
			keyAt = m.position(m.base + k.Index)
		}
		m.mark(x, sub, keyAt)
		i++
		return true
	})
}
