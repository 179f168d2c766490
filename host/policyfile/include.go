package policyfile

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// maxParts bounds the files that a policy includes.
const maxParts = 1000

// include reads the files that `include` and `teams.*.include` name, and puts
// them into Doc in the form that policy.Load reads.
//
// Errors: *Error; any other error means that a file could not be read.
func (f *File) include() error {
	i := includer{f: f}
	f.parts = map[string]*File{}
	i.candidate()
	if list := f.Doc.Key("include"); list.Kind() != value.Missing {
		f.Doc = f.Doc.With("include", i.list(list, "include", true))
	}
	teams := f.Doc.Key("teams")
	if teams.Kind() == value.Object {
		out := teams
		teams.Each(func(name string, t value.Value) bool {
			place := rules.Join(rules.Join("teams", name), "include")
			if list := t.Key("include"); t.Kind() == value.Object && list.Kind() != value.Missing {
				out = out.With(name, t.With("include", i.list(list, place, false)))
			}
			return true
		})
		f.Doc = f.Doc.With("teams", out)
	}
	if i.err != nil {
		return i.err
	}
	if len(i.faults) > 0 {
		return &Error{f, i.faults}
	}
	return nil
}

// includer collects the faults of reading included files.
type includer struct {
	f      *File
	faults []Fault
	err    error
}

func (i *includer) fault(place, format string, args ...any) {
	i.faults = append(i.faults, i.f.locate(rules.Fault{Place: place, Message: fmt.Sprintf(format, args...)}))
}

// list replaces the patterns of an include by the files that they match. Files
// reports whether `${file:…}` may stand in them.
func (i *includer) list(v value.Value, place string, files bool) value.Value {
	if pattern, ok := v.Text(); ok && !files {
		return value.Arr(i.pattern(pattern, place, files)...)
	}
	if v.Kind() != value.Array {
		return v // policy.Load reports it
	}
	var out []value.Value
	n := 0
	v.Each(func(_ string, x value.Value) bool {
		if pattern, ok := x.Text(); ok {
			out = append(out, i.pattern(pattern, rules.Elem(place, n), files)...)
		} else {
			out = append(out, x)
		}
		n++
		return true
	})
	return value.Arr(out...)
}

// pattern reads the files that a pattern matches, in the order of their names.
func (i *includer) pattern(pattern, place string, files bool) (out []value.Value) {
	if filepath.IsAbs(pattern) || strings.Contains(pattern, "${") {
		i.fault(place, "want a path or a pattern relative to this file, without ${…}")
		return nil
	}
	dir := filepath.Dir(i.f.Path)
	names, err := i.f.Files().Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
	if err != nil {
		i.fault(place, "not a pattern: %v", err)
		return nil
	}
	if len(names) == 0 {
		i.fault(place, "no file matches %s", pattern)
	}
	for _, name := range names {
		if rel, err := filepath.Rel(dir, name); err == nil {
			out = append(out, i.file(filepath.ToSlash(rel), name, place, files)...)
		}
	}
	return out
}

func (i *includer) file(rel, name, place string, files bool) []value.Value {
	switch ext := path.Ext(rel); {
	case ext != ".yaml" && ext != ".yml" && ext != ".json":
		i.fault(place, "%s: want a file whose name ends in .yaml, .yml or .json", rel)
		return nil
	case filepath.Clean(name) == filepath.Clean(i.f.Path):
		i.fault(place, "%s is this file", rel)
		return nil
	case i.f.parts[rel] != nil:
		i.fault(place, "%s is included already", rel)
		return nil
	case len(i.f.parts) >= maxParts:
		i.fault(place, "more than %d files", maxParts)
		return nil
	}
	part, err := read(i.f.Files(), name)
	var faults *Error
	switch {
	case errors.As(err, &faults):
		for _, fault := range faults.Faults {
			fault.in = faults.file
			i.faults = append(i.faults, fault)
		}
		return nil
	case err != nil:
		i.err = err
		return nil
	}
	i.f.parts[rel] = part
	doc := part.Doc
	if files {
		doc = withFolder(doc, path.Dir(rel))
	}
	return []value.Value{value.Obj(
		value.Member{Key: "file", Value: value.Str(rel)},
		value.Member{Key: "policy", Value: doc})}
}

// withFolder makes the paths of `${file:…}` relative to the main file.
func withFolder(v value.Value, dir string) value.Value {
	switch v.Kind() {
	case value.String:
		text, _ := v.Text()
		if strings.Contains(text, "${file:") && dir != "." {
			return value.Str(inFolder(text, dir))
		}
	case value.Array:
		var elems []value.Value
		v.Each(func(_ string, x value.Value) bool {
			elems = append(elems, withFolder(x, dir))
			return true
		})
		return value.Arr(elems...)
	case value.Object:
		var members []value.Member
		v.Each(func(key string, x value.Value) bool {
			members = append(members, value.Member{Key: key, Value: withFolder(x, dir)})
			return true
		})
		return value.Obj(members...)
	}
	return v
}

func inFolder(text, dir string) string {
	var b strings.Builder
	for _, p := range policy.Split(text) {
		switch p.Kind {
		case policy.Literal:
			b.WriteString(strings.ReplaceAll(p.Text, "${", "$${"))
		case policy.Variable:
			b.WriteString("${" + p.Text + "}")
		case policy.FileText:
			name := p.Text
			if !filepath.IsAbs(name) {
				name = path.Join(dir, name)
			}
			b.WriteString("${file:" + name + "}")
		default:
			return text // policy.Load reports it
		}
	}
	return b.String()
}

// partAt returns the included file that a place is in, and the place in that
// file; the file itself for its own places.
func (f *File) partAt(place string) (*File, string) {
	if len(f.parts) == 0 || !strings.HasPrefix(place, `["`) {
		return f, place
	}
	quoted, err := strconv.QuotedPrefix(place[1:])
	if err != nil {
		return f, place
	}
	name, _ := strconv.Unquote(quoted)
	part := f.parts[name]
	if part == nil {
		return f, place
	}
	return part.partAt(strings.TrimPrefix(strings.TrimPrefix(place[1+len(quoted):], "]"), "."))
}

// Paths lists the paths of the file, of those that it includes, and of those whose
// content it names, as far as they were read.
func (f *File) Paths() []string {
	paths := []string{f.Path}
	f.eachFile(func(file *File) { paths = append(append(paths, file.Path), file.named...) })
	slices.Sort(paths)
	return slices.Compact(paths)
}

// eachFile calls visit for the file, and for those that it and its candidate include.
func (f *File) eachFile(visit func(*File)) {
	visit(f)
	for _, rel := range slices.Sorted(maps.Keys(f.parts)) {
		f.parts[rel].eachFile(visit)
	}
}

// Parts lists the paths of the files that the file includes, in order, and that of its
// candidate.
func (f *File) Parts() (paths []string) {
	f.eachFile(func(file *File) {
		if file != f {
			paths = append(paths, file.Path)
		}
	})
	return paths
}
