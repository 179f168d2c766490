package policy

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// readDefines reads `define` of all files. The main file's rules can be used in all
// files, those of an included file in that file.
func (l *loader) readDefines() {
	l.doc.Key("define").Each(func(name string, _ value.Value) bool {
		l.defined = append(l.defined, rules.Join("define", name))
		return true
	})
	for _, p := range l.parts {
		p.doc.Key("define").Each(func(name string, _ value.Value) bool {
			at := rules.Join(rules.Join(p.root, "define"), name)
			if l.doc.Key("define").Key(name).Kind() != value.Missing {
				l.fault(at, "the main file has a rule of this name, which cannot be replaced")
			}
			l.defined = append(l.defined, at)
			return true
		})
	}
}

// defines returns the rule of a name, and its place.
type defines = func(name string) (spec value.Value, place string, ok bool)

// define returns the named rules that a rule at a place can use.
func (l *loader) define(place string) defines {
	return func(name string) (spec value.Value, at string, ok bool) {
		defer func() { l.used[at] = true }()
		if v := l.doc.Key("define").Key(name); v.Kind() != value.Missing {
			return v, rules.Join("define", name), true
		}
		if p := l.partAt(place); p != nil {
			if v := p.doc.Key("define").Key(name); v.Kind() != value.Missing {
				return v, rules.Join(rules.Join(p.root, "define"), name), true
			}
		}
		return value.Value{}, "", false
	}
}

// checkDefines compiles the named rules that no rule uses. A used one is compiled
// where it is used.
func (l *loader) checkDefines() {
	for _, place := range l.defined {
		if !l.used[place] && l.known(place) {
			l.unused = append(l.unused, place)
		}
	}
	for _, place := range l.unused {
		l.compile(ruleSource{l.valueAt(place), place}, l.define(place))
	}
}
