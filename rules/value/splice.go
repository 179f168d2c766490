package value

import "github.com/tidwall/gjson"

// Splice returns an Object of text with another value of one member, or without it, as
// a text: nothing is taken apart. change gets the old value, Missing if there is none,
// and how many members were compared with the key. It returns the new one; Missing
// removes the member. If ok is false, v stays as it is.
func (v Value) Splice(key string, change func(old Value, compared int) (now Value, ok bool)) (spliced Value, ok bool) {
	var (
		text  = v.text
		n     int          // members before it
		start int          // of its key
		was   gjson.Result // its value
		end   int          // of the member before it
		next  int          // the key behind it, if it is the first
		found bool
	)
	v.each(func(k, x gjson.Result) bool {
		switch {
		case found:
			next = k.Index
			return false
		case k.Str == key:
			found, start, was = true, k.Index, x
			return n == 0
		}
		n, end = n+1, x.Index+len(x.Raw)
		return true
	})
	if !found {
		return v.extended(key, n, change)
	}
	behind := was.Index + len(was.Raw)
	old := fromResult(was)
	now, ok := change(old, n)
	switch {
	case !ok || now.Same(old):
		return v, ok
	case now.kind != Missing:
		out := append(make([]byte, 0, len(text)+now.length()), text[:was.Index]...)
		out = append(now.Append(out), text[behind:]...)
		return Value{kind: Object, text: textOf(out)}, true
	case n > 0: // with the comma before it
		return Value{kind: Object, text: text[:end] + text[behind:]}, true
	}
	// with the comma behind it
	return Value{kind: Object, text: text[:start] + text[max(behind, next):]}, true
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
