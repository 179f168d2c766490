package policy

import (
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// redact removes the value of a variable or a file from a message. Messages quote
// the texts that they repeat, so it replaces every quoted part of the value, and
// the value itself, by the text in the file.
func (l *loader) redact(f *rules.Fault) {
	text, ok := l.substituted[f.Place]
	if !ok {
		return
	}
	value, _ := l.valueAt(f.Place).Text()
	if value == "" {
		return
	}
	var b strings.Builder
	rest := f.Message
	for {
		i := strings.IndexAny(rest, "\"`")
		if i < 0 {
			break
		}
		b.WriteString(rest[:i])
		rest = rest[i:]
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil { // a lone quote
			b.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		rest = rest[len(quoted):]
		part, _ := strconv.Unquote(quoted)
		if part = strings.TrimSuffix(part, "…"); strings.Contains(value, part) || strings.Contains(part, value) {
			quoted = strconv.Quote(text)
		}
		b.WriteString(quoted)
	}
	b.WriteString(rest)
	f.Message = strings.ReplaceAll(b.String(), value, text)
}

// valueAt returns the value at a place, after substitution.
func (l *loader) valueAt(place string) (found value.Value) {
	var walk func(v value.Value, at string) bool
	walk = func(v value.Value, at string) (done bool) {
		if at == place {
			found = v
			return true
		}
		i := -1
		v.Each(func(key string, x value.Value) bool {
			i++
			sub := rules.Join(at, key)
			if v.Kind() == value.Array {
				sub = rules.Elem(at, i)
			}
			done = strings.HasPrefix(place, sub) && walk(x, sub)
			return !done
		})
		return done
	}
	doc, root := l.documentAt(place)
	walk(doc, root)
	return found
}
