package policy

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
)

// A policy may consist of several files. The document of the main file names the
// others in `include`, and in `include` of an entry of `teams`. Whoever reads
// files replaces each pattern there by the files that it matches, as objects
// {file: teams/orders.yaml, policy: {…}}, before Load: this package reads none.

// notRead is the fault of a document whose files were not read: without their
// rules it is another policy.
const notRead = "included files are not read here"

// part is a file of a policy.
type part struct {
	file string // "" for the main file
	root string // place of its document: "" for the main file, else `["teams/orders.yaml"]`
	doc  value.Value
	team *team // nil: none
}

// splitParts takes the included files out of the document. In their place it leaves
// their names, so that the rest of the document can be checked.
func (l *loader) splitParts(doc value.Value) value.Value {
	main := doc
	if list := doc.Key("include"); list.Kind() == value.Array {
		main = main.With("include", l.included(list, "include", nil))
	}
	teams := doc.Key("teams")
	if teams.Kind() != value.Object {
		return main
	}
	out := teams
	teams.Each(func(name string, t value.Value) bool {
		place := rules.Join("teams", name)
		of := &team{name: name, place: place}
		l.teams = append(l.teams, of)
		if list := t.Key("include"); list.Kind() == value.String {
			l.fault(rules.Join(place, "include"), notRead)
		} else if list.Kind() == value.Array {
			out = out.With(name, t.With("include", l.included(list, rules.Join(place, "include"), of)))
		}
		return true
	})
	return main.With("teams", out)
}

func (l *loader) included(list value.Value, place string, of *team) value.Value {
	var names []value.Value
	eachIn(list, place, func(at string, v value.Value) {
		file, hasFile := v.Key("file").Text()
		if !hasFile || v.Key("policy").Kind() == value.Missing {
			names = append(names, v)
			if v.Kind() == value.String {
				l.fault(at, notRead)
			}
			return
		}
		names = append(names, value.Str(file))
		for _, other := range l.parts {
			if other.file == file {
				l.fault(at, "%s is included already", file)
				return
			}
		}
		l.parts = append(l.parts, &part{file: file, root: rules.Join("", file), doc: v.Key("policy"), team: of})
	})
	if names == nil {
		return list
	}
	return value.Arr(names...)
}

// checkParts compares the included files with the model, and substitutes in them.
func (l *loader) checkParts() {
	for _, p := range l.parts {
		if p.doc.Kind() != value.Object {
			l.fault(p.root, "want an object, found %s", p.doc.Kind())
			p.doc = value.Obj()
			continue
		}
		at := (*schema.Path)(nil).Key(p.file)
		if p.team == nil {
			p.doc = l.substitute(p.doc, at)
		} else {
			p.doc = l.unescape(p.doc, at)
		}
		for _, f := range schema.CheckIncluded(p.doc, at) {
			l.settle(f)
		}
	}
}

// unescape reads the strings of a team's file. Variables and files are faults
// there: a team could put a secret of the gateway into a message or a header.
func (l *loader) unescape(v value.Value, at *schema.Path) value.Value {
	return mapStrings(v, at, func(text string, at *schema.Path) string {
		var b strings.Builder
		for _, p := range Split(text) {
			if p.Kind != Literal {
				l.settle(rules.Fault{Place: at.String(), Message: "variables and files (${…}) are for the main file and its include; $${ is a ${ that stays"})
				return text
			}
			b.WriteString(p.Text)
		}
		return b.String()
	})
}

// documents returns all files of the policy, the main file first.
func (l *loader) documents() []*part {
	return append([]*part{{doc: l.doc}}, l.parts...)
}

// documentAt returns the document that a place is in, and the place of that
// document.
func (l *loader) documentAt(place string) (value.Value, string) {
	if p := l.partAt(place); p != nil {
		return p.doc, p.root
	}
	return l.doc, ""
}

// partAt returns the included file that a place is in, nil for the main file.
func (l *loader) partAt(place string) *part {
	for _, p := range l.parts {
		if rest, ok := strings.CutPrefix(place, p.root); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return p
		}
	}
	return nil
}

// seenFrom returns a place for a message about another one: with the file, if the
// two are in different files.
func (l *loader) seenFrom(from, place string) string {
	in := l.partAt(place)
	switch {
	case in == l.partAt(from) && in == nil:
		return place
	case in == nil:
		return place + " of the main file"
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(place, in.root), ".")
	if in == l.partAt(from) {
		return rest
	}
	return rest + " of " + in.file
}

// isTaken reports whether another file has an entry, and adds a fault then. It
// notes the entry otherwise.
func (l *loader) isTaken(entry, place string) bool {
	if other, ok := l.entries[entry]; ok {
		l.fault(place, "%s has the rules of this already", l.seenFrom(place, other))
		return true
	}
	l.entries[entry] = place
	return false
}
