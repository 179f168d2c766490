package trace

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// maxChanges bounds the changes that are listed between two messages.
const maxChanges = 200

// differ lists the differences between two messages.
type differ struct {
	mask *Mask
	most int // bytes of a value
	out  []Change
}

func (d *differ) add(path string, before, after value.Value, below []keys) {
	if len(d.out) < maxChanges {
		d.out = append(d.out, Change{Path: path, Before: d.mask.show(before, below, d.most), After: d.mask.show(after, below, d.most)})
	}
}

// values compares two JSON values, member by member.
func (d *differ) values(path string, before, after value.Value, below []keys) {
	switch {
	case len(d.out) >= maxChanges || before.Kind() == after.Kind() && before.String() == after.String():
	case before.Kind() == value.Object && after.Kind() == value.Object && !hides(below):
		d.objects(path, before, after, below)
	case before.Kind() == value.Array && after.Kind() == value.Array && !hides(below):
		d.arrays(path, before.Elements(), after.Elements(), below)
	default:
		d.add(path, before, after, below)
	}
}

// arrays compares two arrays. Of a shorter one, the first elements that differ are
// taken for removed, since rules keep the order of elements.
func (d *differ) arrays(path string, old, now []value.Value, below []keys) {
	j := 0
	for i, was := range old {
		at := rules.Elem(path, i)
		switch {
		case j < len(now) && (len(old)-i <= len(now)-j || was.String() == now[j].String()):
			d.values(at, was, now[j], below)
			j++
		default:
			d.values(at, was, value.Value{}, below)
		}
	}
	for ; j < len(now); j++ {
		d.values(rules.Elem(path, j), value.Value{}, now[j], below)
	}
}

func (d *differ) objects(path string, before, after value.Value, below []keys) {
	now := map[string]value.Value{}
	after.Each(func(key string, v value.Value) bool {
		now[key] = v
		return true
	})
	before.Each(func(key string, was value.Value) bool {
		d.values(d.mask.Text(rules.Join(path, key)), was, now[key], step(below, key))
		delete(now, key)
		return true
	})
	after.Each(func(key string, v value.Value) bool {
		if _, added := now[key]; added {
			d.values(d.mask.Text(rules.Join(path, key)), value.Value{}, v, step(below, key))
		}
		return true
	})
}

// headers compares the headers of two messages, by name.
func (d *differ) headers(root string, before, after [][2]string) {
	old, now := byName(before), byName(after)
	for _, name := range headerNames(before, after) {
		if !slices.Equal(old[name], now[name]) {
			d.add("headers."+name, texts(old[name]), texts(now[name]), d.mask.at(names([]string{root, "headers", name})))
		}
	}
}

// headerNames lists the names of headers, each once, without pseudo-headers.
func headerNames(lists ...[][2]string) (out []string) {
	for _, list := range lists {
		for _, h := range list {
			if name := strings.ToLower(h[0]); !strings.HasPrefix(name, ":") && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func byName(list [][2]string) map[string][]string {
	out := map[string][]string{}
	for _, h := range list {
		name := strings.ToLower(h[0])
		out[name] = append(out[name], h[1])
	}
	return out
}

// texts is one text, or an array of several; Missing for none.
func texts(list []string) value.Value {
	switch len(list) {
	case 0:
		return value.Value{}
	case 1:
		return value.Str(list[0])
	}
	var elems []value.Value
	for _, s := range list {
		elems = append(elems, value.Str(s))
	}
	return value.Arr(elems...)
}
