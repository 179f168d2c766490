package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/args"
	"github.com/rulegate/rulegate/rules/value"
)

// checker collects the faults of a resource.
type checker struct {
	r      *Resource
	trace  *trace
	faults rules.Faults
}

func (c *checker) fault(place, format string, a ...any) {
	f := rules.Fault{Place: place, Message: fmt.Sprintf(format, a...)}
	if !slices.Contains(c.faults, f) {
		c.faults = append(c.faults, f)
	}
}

// step checks the i-th step of the trace.
func (c *checker) step(i int, s *step) {
	switch s.action {
	case readPath:
		if s.ref.root == "args" {
			c.read(i, s)
		}
	case writePath:
		c.unreadWrite(i, s)
	case compare:
		c.constants(s)
		c.emptyList(s)
	case write:
		c.lookalike(s)
	}
}

// constants reports a match whose operands are both written in the rule.
func (c *checker) constants(s *step) {
	for _, field := range [...]string{"f1", "f2"} {
		v := s.spec.Key(field)
		if !c.written(v, rules.Join(s.place, field), s.item) {
			return
		}
		if text, _ := v.Text(); c.readsLikeReference(text, s.response) {
			return // lookalike reports it
		}
	}
	message := "both operands are written in the rule, so the result is always the same"
	for _, v := range []value.Value{s.f1, s.f2} {
		text, _ := v.Text()
		if near := c.suggest(text); near != "" {
			c.fault(s.place, "%s: did you mean %s?", message, near)
			return
		}
	}
	c.fault(s.place, "%s", message)
}

// written reports whether an operand has no reference and no `${…}`.
func (c *checker) written(v value.Value, place string, item bool) bool {
	switch v.Kind() {
	case value.Missing:
		return false
	case value.String:
		text, _ := v.Text()
		return !rules.IsReference(text, item) && !c.substituted(place)
	case value.Array:
		all, i := true, 0
		v.Each(func(_ string, x value.Value) bool {
			all = all && c.written(x, rules.Elem(place, i), item)
			i++
			return all
		})
		return all
	}
	return true
}

func (c *checker) substituted(place string) bool {
	return c.r.Substituted != nil && c.r.Substituted(place)
}

// emptyList reports in and notIn with an empty list.
func (c *checker) emptyList(s *step) {
	if s.f2.Kind() != value.Array || s.f2.Len() > 0 {
		return
	}
	eval, _ := s.spec.Key("eval").Text()
	switch eval {
	case "in":
		c.fault(rules.Join(s.place, "f2"), "an empty list, in which no value is")
	case "notIn":
		c.fault(rules.Join(s.place, "f2"), "an empty list, so every value is not in it")
	}
}

// read checks a path that is read.
func (c *checker) read(i int, s *step) {
	if c.forced(s.ref.keys) {
		return
	}
	model := args.Of(c.r.Kind, s.response)
	root := model.Member(s.ref.keys[0].Name)
	switch {
	case s.ref.keys[0].Name == rules.RootResult && !c.stored(i, s.ref.keys):
		c.fault(s.place, "%s: no query and no webhook comes before it", s.ref.text)
		return
	case c.stored(len(c.trace.steps), s.ref.keys):
		return
	case root == nil:
		c.fault(s.place, "%s: %s", s.ref.text, c.unknownRoot(s, model))
		return
	case c.r.NoToken && (root.Name == rules.RootAuth || root.Name == rules.RootToken):
		c.fault(s.place, "%s: %s reads no token, so it is always missing; want auth: required or optional", s.ref.text, c.r.Name)
		return
	}
	c.members(s, root, s.ref.keys[1:])
	if m := c.typeAt(root, s.ref.keys[1:]); s.typ == "number" && (m == args.Text || m == args.Texts) {
		c.fault(s.place, "%s is a string; want utils.number(%s)", s.ref.text, s.ref.text)
	}
}

// unknownRoot says why a root of args is never there.
func (c *checker) unknownRoot(s *step, model *args.Member) string {
	name := s.ref.keys[0].Name
	if args.Of(c.r.Kind, true).Member(name) != nil {
		return "only a rule on the response has args." + name
	}
	for kind, of := range map[args.Resource]string{args.Database: "a database", args.Route: "a route, a service, a query, an event or a file"} {
		if args.Of(kind, true).Member(name) != nil {
			return "only a rule of " + of + " has args." + name
		}
	}
	return "args has no " + name + suggestion(name, model.Names(), "args.")
}

// suggestion is the end of a message about an unknown name.
func suggestion(name string, names []string, prefix string) string {
	if near := nearest(name, names); near != "" {
		return "; did you mean " + prefix + near + "?"
	}
	if len(names) == 0 {
		return ""
	}
	return "; it has " + strings.Join(names, ", ")
}

// members checks the keys of a path below a root.
func (c *checker) members(s *step, m *args.Member, keys []rules.Key) {
	if len(keys) == 0 || keys[0].Computed {
		return
	}
	name := keys[0].Name
	switch m.Type {
	case args.Members:
		in := m.Member(name)
		if in == nil {
			c.fault(s.place, "%s: args.%s has no %s%s", s.ref.text, m.Name, name, suggestion(name, m.Names(), "args."+m.Name+"."))
			return
		}
		c.members(s, in, keys[1:])
	case args.TextMap:
		switch {
		case !slices.Contains(c.r.Vars, name):
			c.fault(s.place, "%s: the path of %s has no variable %s%s", s.ref.text, c.r.Name, name, suggestion(name, c.r.Vars, ""))
		case len(keys) > 1:
			c.fault(s.place, "%s: %s is a string and has no members", s.ref.text, name)
		}
	case args.MultMap:
		if m.Lower && name != strings.ToLower(name) {
			c.fault(s.place, "%s: the names of headers are in lower case here; want %s", s.ref.text, strings.Replace(s.ref.text, name, strings.ToLower(name), 1))
		}
	case args.Text, args.Number:
		c.fault(s.place, "%s: %s has no members", s.ref.text, m.Name)
	}
}

// typeAt returns the type of the value at the end of a path.
func (c *checker) typeAt(m *args.Member, keys []rules.Key) args.Type {
	for _, k := range keys {
		switch {
		case m == nil:
			return args.Any
		case m.Type == args.TextMap:
			return args.Text
		case m.Type == args.MultMap:
			if len(keys) > 2 { // an element of an array
				return args.Any
			}
			return args.Texts
		case m.Type != args.Members:
			return args.Any
		}
		m = m.Member(k.Name)
	}
	if m == nil {
		return args.Any
	}
	return m.Type
}

// unreadWrite reports a force or remove whose change nobody sees: it does not go
// back into the request or the response, and nothing reads it afterwards.
func (c *checker) unreadWrite(i int, s *step) {
	if s.rule != "force" && s.rule != "remove" || s.ref.root != "args" || c.goesBack(s) {
		return
	}
	for _, later := range c.trace.steps[i+1:] {
		switch later.action {
		case readAll:
			return
		case readPath:
			if later.ref.root == "args" && overlap(later.ref.keys, s.ref.keys) {
				return
			}
		}
	}
	hint := ""
	if c.r.Kind == args.Route && s.ref.keys[0].Name == "body" {
		hint = "; the body is args.params"
	}
	c.fault(s.place, "%s is not part of the request that is sent on, and nothing reads it afterwards%s", s.ref.text, hint)
}

// goesBack reports whether a change at a path goes back into the request, or into
// the response.
func (c *checker) goesBack(s *step) bool {
	m := args.Of(c.r.Kind, s.response).Member(s.ref.keys[0].Name)
	for i := 0; m != nil; i++ {
		if m.Back || m.Name == rules.RootRequest && len(s.ref.keys) == 1 {
			return true
		}
		if i+1 >= len(s.ref.keys) {
			return false
		}
		if s.ref.keys[i+1].Computed {
			return true
		}
		m = m.Member(s.ref.keys[i+1].Name)
	}
	return false
}

// forced reports whether some action changes a path, or a part of it.
func (c *checker) forced(keys []rules.Key) bool {
	for _, s := range c.trace.steps {
		if s.action == writePath && s.rule == "force" && s.ref.root == "args" && overlap(s.ref.keys, keys) {
			return true
		}
	}
	return false
}

// stored reports whether one of the first n steps stores a reply at a path.
func (c *checker) stored(n int, keys []rules.Key) bool {
	for _, s := range c.trace.steps[:n] {
		if s.action == storeRoot && s.ref.root == "args" && overlap(s.ref.keys, keys) {
			return true
		}
	}
	return false
}

// overlap reports whether one path is the beginning of the other.
func overlap(a, b []rules.Key) bool {
	for i := range min(len(a), len(b)) {
		if !a[i].Computed && !b[i].Computed && a[i].Name != b[i].Name {
			return false
		}
	}
	return true
}
