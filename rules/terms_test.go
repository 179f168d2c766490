package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// shown writes a term with its parts told apart: <path>, 'literal', name(…)steps.
func (t Term) shown() string {
	var b strings.Builder
	switch {
	case t.Call != "":
		b.WriteString(t.Call + "(")
		for i, a := range t.Args {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(a.shown())
		}
		b.WriteString(")")
	case t.Root != "":
		b.WriteString("<" + t.Root)
	default:
		return "'" + strings.Trim(t.Literal.String(), `"`) + "'"
	}
	for _, s := range t.Steps {
		switch {
		case s.In != nil:
			b.WriteString("[" + s.In.shown() + "]")
		case s.Index >= 0:
			fmt.Fprintf(&b, "#%d", s.Index)
		default:
			b.WriteString("." + s.Key)
		}
	}
	if t.Root != "" {
		b.WriteString(">")
	}
	return b.String()
}

func TestFields(t *testing.T) {
	for spec, want := range map[string]string{
		`{"rule":"match","type":"string","eval":"==","f1":"args.auth['a.b'].0.c","f2":"x"}`:                                                "f1 <args.auth.a.b#0.c> f2 'x'",
		`{"rule":"match","type":"string","eval":"in","f1":"utils.lower(args.a.b)","f2":["x","args.a[args.c.d]"]}`:                          "f1 lower(<args.a.b>) f2[] 'x' <args.a[<args.c.d>]>",
		`{"rule":"match","type":"string","eval":"notIn","f1":"x","f2":"utils.split(args.a.b, ' ')"}`:                                       "f1 'x' f2 split(<args.a.b>, ' ')",
		`{"rule":"match","type":"string","eval":"matches","f1":"utils.split(args.a.b, ' ').1","f2":"^a"}`:                                  "f1 split(<args.a.b>, ' ')#1 f2 '^a'",
		`{"rule":"match","type":"date","eval":"<","f1":"utils.now()","f2":"utils.addDuration(args.a.b, 1h)"}`:                              "f1 now() f2 addDuration(<args.a.b>, '1h')",
		`{"rule":"match","type":"number","eval":"<","f1":"utils.default(utils.number(args.a.b), 0)","f2":-1.5}`:                            "f1 default(number(<args.a.b>), '0') f2 '-1.5'",
		`{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.a.b(c)","f2":true}`:                                             "f1 exists(<args.a.b(c>) f2 'true'",
		`{"rule":"some","field":"args.a.b","clause":{"rule":"match","type":"string","eval":"==","f1":"item.x","f2":{"literal":"args.x"}}}`: "field <args.a.b> (f1 <item.x> f2 'args.x')",
		`{"rule":"query","db":"d","col":"c","find":{"a":"args.x.y","$or":[{"b":{"$in":["z","utils.now()"]}}]},"store":"args.rows"}`:        "find <args.x.y> now() store <args.rows>",
		`{"rule":"webhook","url":"https://h/","headers":{"x-a":"args.a.b"}}`:                                                               "body <args> headers <args.a.b> store <args.result>",
		`{"rule":"webhook","url":"https://h/","claims":{"a":"args.x.y"},"body":{"b":["args.z.z","t"]}}`:                                    "claims <args.x.y> body <args.z.z> store <args.result>",
		`{"rule":"force","field":"args.params.a","value":"args.auth.id","clause":{"rule":"deny"}}`:                                         "value <args.auth.id> to <args.params.a> ()",
		`{"rule":"remove","fields":["res.a","args.params.b"]}`:                                                                             "to <res.a> <args.params.b>",
		`{"rule":"remove","fields":"args.auth.hidden"}`:                                                                                    "fields <args.auth.hidden> found",
		`{"rule":"keep","field":"res.a","keys":"args.auth.keys"}`:                                                                          "keys <args.auth.keys> to <res.a>",
		`{"rule":"keep","field":"res.a","keys":["b","a"]}`:                                                                                 "keys[] 'a' 'b' to <res.a>",
		`{"rule":"each","field":"res.a","clauses":[{"rule":"remove","fields":["item.b"]}]}`:                                                "to <res.a> (to <item.b>)",
	} {
		r, faults := Compile(value.Checked(spec), "rule", &Env{CanSign: true})
		if faults != nil {
			t.Errorf("%s: %v", spec, faults)
			continue
		}
		if got := r.shown(); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", spec, got, want)
		}
	}
}

func (r *Rule) shown() string {
	var parts []string
	for _, f := range r.Fields() {
		part := f.Name
		if f.List {
			part += "[]"
		}
		for _, t := range f.Terms {
			part += " " + t.shown()
		}
		parts = append(parts, part)
	}
	if at, ok := r.Store(); ok {
		parts = append(parts, "store "+at.shown())
	}
	if paths, found := r.Changed(); len(paths) > 0 || found {
		part := "to"
		if found {
			part = "found"
		}
		for _, p := range paths {
			part += " " + p.shown()
		}
		parts = append(parts, part)
	}
	for _, c := range r.Clauses() {
		parts = append(parts, "("+c.shown()+")")
	}
	return strings.Join(parts, " ")
}
