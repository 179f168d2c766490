package trace

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// printer writes a value as JSON, masked and not longer than it may be.
type printer struct {
	mask  *Mask
	left  int  // bytes that may still be written
	whole bool // each scalar is masked
	value Value
}

// pending stands in place of a body or a reply that is awaited.
const pending = "[not there yet]"

// show returns a value as it may be shown, of at most some bytes and a little. The
// paths are the masked ones, from the value on. A Missing value is nil.
func (m *Mask) show(v value.Value, below []keys, most int) *Value {
	return m.print(v, below, most, false)
}

// showShape is show with every scalar masked: the value was made from some that
// are masked.
func (m *Mask) showShape(v value.Value, most int) *Value { return m.print(v, nil, most, true) }

func (m *Mask) print(v value.Value, below []keys, most int, whole bool) *Value {
	if v.Kind() == value.Missing {
		return nil
	}
	p := printer{mask: m, left: most, whole: whole}
	p.value.JSON = p.append(nil, v, below)
	return &p.value
}

func (p *printer) append(out []byte, v value.Value, below []keys) []byte {
	if hides(below) {
		p.value.Masked = true
		return p.text(out, masked)
	}
	switch v.Kind() {
	case value.Object, value.Array:
		return p.members(out, v, below)
	case value.String:
		text, _ := v.Text()
		return p.text(out, p.masked(text))
	case value.Missing:
		return append(out, "null"...)
	case value.Pending:
		p.value.Cut = true
		return p.text(out, pending)
	}
	if text := v.String(); !p.whole && p.mask.Text(text) == text {
		p.left -= len(text)
		return append(out, text...)
	}
	p.value.Masked = true
	return p.text(out, masked)
}

// masked masks a text.
func (p *printer) masked(text string) string {
	shown := p.mask.Text(text)
	if p.whole {
		shown = masked
	}
	p.value.Masked = p.value.Masked || shown != text
	return shown
}

// text appends a text, shortened to the bytes that are left.
func (p *printer) text(out []byte, text string) []byte {
	if n := max(p.left, 16); len(text) > n {
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text, p.value.Cut = text[:n]+"…", true
	}
	p.left -= len(text) + 2
	return append(out, quoted(text)...)
}

// quoted writes a text as a JSON string that people read: & and < stay as they are.
func quoted(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(text) != nil {
		return []byte(`""`) // no text fails
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// members appends an object or an array, without the members that do not fit.
func (p *printer) members(out []byte, v value.Value, below []keys) []byte {
	start, end := byte('{'), byte('}')
	if v.Kind() == value.Array {
		start, end = '[', ']'
	}
	out = append(out, start)
	first := true
	v.Each(func(key string, x value.Value) bool {
		if p.left <= 0 {
			p.value.Cut = true
			return false
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		in := below
		if v.Kind() == value.Object {
			out = append(p.text(out, p.mask.Text(key)), ':')
			in = step(below, key)
		}
		out = p.append(out, x, in)
		return true
	})
	p.left -= 2
	return append(out, end)
}

// step returns the paths from the member key on.
func step(below []keys, key string) (in []keys) {
	for _, p := range below {
		if p[0] == key {
			in = append(in, p[1:])
		}
	}
	return in
}

// operand shows an operand. One that was made from a masked value is masked
// whole, and one that leads to an object with masked members without these.
func (m *Mask) operand(o *rules.Operand, item []rules.Key, most int) Operand {
	out := Operand{Field: o.Field, Text: m.Text(shorten(o.Text, most))}
	if o.Err != nil {
		out.Missing = m.Text(shorten(o.Err.Error(), most))
		return out
	}
	var below []keys
	whole := false
	for _, read := range o.Reads {
		at := m.at(m.absolute(read, item))
		switch {
		case read.Exists || len(at) == 0:
		case read.Text == o.Text && !hides(at):
			below = append(below, at...)
		default:
			whole = true
		}
	}
	switch composite := o.Value.Kind() == value.Object || o.Value.Kind() == value.Array; {
	case whole && composite:
		out.Value = m.showShape(o.Value, most)
	case whole:
		out.Value = m.show(o.Value, []keys{{}}, most)
	default:
		out.Value = m.show(o.Value, below, most)
	}
	return out
}

// absolute returns the keys of a reference from args down, where those of the
// element are item.
func (m *Mask) absolute(r rules.Reference, item []rules.Key) []rules.Key {
	if !r.Item {
		return r.Keys
	}
	return append(item[:len(item):len(item)], r.Keys...)
}

// shorten bounds a text.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
