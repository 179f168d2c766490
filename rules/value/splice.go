package value

// Splice returns an Object of text with another value of one member, or without it, as
// a text: nothing is taken apart. change gets the old value, Missing if there is none,
// and how many members were compared with the key. It returns the new one; Missing
// removes the member. If ok is false, v stays as it is.
func (v Value) Splice(key string, change func(old Value, compared int) (now Value, ok bool)) (spliced Value, ok bool) {
	text, n, before := v.text, 0, 0
	p := v.parts()
	for p.Next() && !p.Named(key) {
		n, before = n+1, p.End
	}
	if p.Ended() {
		return v.extended(key, n, change)
	}
	old := decoded(p.Value(), p.Escaped)
	now, ok := change(old, n)
	switch {
	case !ok || now.Same(old):
		return v, ok
	case now.kind != Missing:
		out := append(make([]byte, 0, len(text)+now.length()), text[:p.Start]...)
		out = append(now.Append(out), text[p.End:]...)
		return Value{kind: Object, text: textOf(out)}, true
	case n > 0: // with the comma before it
		return Value{kind: Object, text: text[:before] + text[p.End:]}, true
	}
	start, end := p.KeyStart, p.End
	if p.Next() { // with the comma behind it
		end = p.KeyStart
	}
	return Value{kind: Object, text: text[:start] + text[end:]}, true
}

// extended is Splice for a key that none of the n members has.
func (v Value) extended(key string, n int, change func(old Value, compared int) (Value, bool)) (Value, bool) {
	now, ok := change(Value{}, n)
	if !ok || now.kind == Missing {
		return v, ok
	}
	out := append(make([]byte, 0, len(v.text)+len(key)+now.length()+4), v.text[:len(v.text)-1]...)
	if n > 0 {
		out = append(out, ',')
	}
	out = append(AppendString(out, key), ':')
	return Value{kind: Object, text: textOf(append(now.Append(out), '}'))}, true
}
