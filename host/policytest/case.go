package policytest

import (
	"fmt"
	"maps"
	"strings"
	"unicode"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// member is a member of a test, and its place in the file.
type member struct {
	value value.Value
	place string
}

// entry is a test, or a variation of one.
type entry struct {
	test, variation   value.Value // variation is Missing for a test without `each`
	testAt, variantAt string
}

// member returns a member of the variation, else the test's.
func (e *entry) member(name string) member {
	if v := e.variation.Key(name); v.Kind() != value.Missing {
		return member{v, rules.Join(e.variantAt, name)}
	}
	return member{e.test.Key(name), rules.Join(e.testAt, name)}
}

// body returns `json`, `form` or `body`: one in the variation stands in place of one in
// the test.
func (e *entry) body(r *reader) (kind string, m member) {
	for _, from := range []member{{e.variation, e.variantAt}, {e.test, e.testAt}} {
		for _, name := range []string{"json", "form", "body"} {
			v := from.value.Key(name)
			switch {
			case v.Kind() == value.Missing:
			case kind != "":
				r.atKey(rules.Join(from.place, name), "there is `%s` already; want one of `json`, `form` and `body`", kind)
			default:
				kind, m = name, member{v, rules.Join(from.place, name)}
			}
		}
		if kind != "" {
			break
		}
	}
	return kind, m
}

// test reads a test, with its variations.
func (r *reader) test(test value.Value, place string) {
	name, _ := test.Key("name").Text()
	if name == "" {
		name, _ = test.Key("request").Text()
	}
	at := rules.Join(place, "name")
	if test.Key("name").Kind() == value.Missing {
		at = place
	}
	if earlier, ok := r.tests[name]; ok && name != "" {
		line, _ := r.file.Position(earlier)
		r.fault(at, "the test on line %d has this name already", line)
	}
	r.tests[name] = at
	r.printable(name, at)
	each := test.Key("each")
	if each.Kind() == value.Missing {
		r.oneCase(name, &entry{test: test, testAt: place}, place)
		return
	}
	names := map[string]bool{}
	for i, v := range each.Elements() {
		in := rules.Elem(rules.Join(place, "each"), i)
		sub := variationName(v, i)
		r.printable(sub, rules.Join(in, "name"))
		if names[sub] {
			sub = fmt.Sprintf("%s#%02d", sub, i)
		}
		names[sub] = true
		r.oneCase(name+"/"+sub, &entry{test: test, variation: v, testAt: place, variantAt: in}, in)
	}
}

// printable checks that a name is one line, which a terminal shows as it is.
func (r *reader) printable(name, place string) {
	if strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		r.fault(place, "a name has one line, of characters that can be printed")
	}
}

// variationName returns the name of a variation, or makes one of its members.
func variationName(v value.Value, i int) string {
	var words []string
	for _, key := range []string{"name", "as", "request"} {
		if text, ok := v.Key(key).Text(); ok {
			words = append(words, text)
			if key == "name" {
				break
			}
		}
	}
	if len(words) == 0 {
		return fmt.Sprintf("#%02d", i)
	}
	return strings.Join(words, " ")
}

func (r *reader) oneCase(name string, e *entry, place string) {
	c := &Case{Name: name, Place: place, variable: e.variation.Kind() != value.Missing}
	c.Line, c.Column = r.file.Position(place)
	c.request.Now = r.time(e.member("now"), r.Now)
	r.user(c, e)
	r.target(c, e)
	r.fields(c, e)
	r.client(c, e)
	r.companion(c, e)
	r.response(c, e)
	if m := e.member("want"); m.value.Kind() != value.Missing {
		c.want = r.want(m, c)
	} else if !r.record {
		r.fault(place, "asserts nothing: want `want` (rulegate test --record writes it)")
	}
	r.Cases = append(r.Cases, c)
}

// user sets the claims or the token of the request.
func (r *reader) user(c *Case, e *entry) {
	c.As = Nobody
	m := e.member("as")
	name, ok := m.value.Text()
	if !ok || name == Nobody {
		return
	}
	who := r.file.Doc.Key("who").Key(name)
	if who.Kind() == value.Missing {
		names := []string{Nobody}
		r.file.Doc.Key("who").Each(func(name string, _ value.Value) bool {
			names = append(names, name)
			return true
		})
		r.fault(m.place, "`who` has no %s%s", name, other(name, names))
		return
	}
	c.As, r.used[name] = name, true
	if raw, ok := who.Key("token").Text(); ok {
		c.request.Token = raw
		return
	}
	c.request.Claims = who
}

// companion sets the answers to calls: those of the file, over them the test's, over
// them the variation's.
func (r *reader) companion(c *Case, e *entry) {
	a := &simulate.Answers{Policy: r.Policy, Tables: r.tables, Webhooks: r.hooks, Tokens: r.tokens}
	for _, from := range []member{{e.test, e.testAt}, {e.variation, e.variantAt}} {
		if data := from.value.Key("data"); data.Kind() != value.Missing {
			a.Tables = maps.Clone(a.Tables)
			r.data(data, rules.Join(from.place, "data"), a.Tables)
		}
		if hooks := from.value.Key("webhooks"); hooks.Kind() != value.Missing {
			a.Webhooks = maps.Clone(a.Webhooks)
			r.webhooks(hooks, rules.Join(from.place, "webhooks"), a.Webhooks)
		}
	}
	c.answers = a
}
