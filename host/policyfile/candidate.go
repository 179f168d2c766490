package policyfile

import (
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// candidate reads the file of the candidate, and puts it into Doc in the form that
// policy.Load reads.
func (i *includer) candidate() {
	section := i.f.Doc.Key("shadow")
	name, place := section, "shadow"
	if section.Kind() == value.Object {
		name, place = section.Key("policy"), "shadow.policy"
	}
	given, ok := name.Text()
	if !ok || i.f.beside || section.Key("file").Kind() != value.Missing {
		return // policy.Load reports it
	}
	file := i.candidateFile(given, place)
	if file == nil {
		return
	}
	rel := filepath.ToSlash(filepath.Clean(given))
	i.f.candidate, i.f.parts[rel] = file, file
	if section.Kind() == value.String {
		section = value.Obj()
	}
	i.f.Doc = i.f.Doc.With("shadow", section.With("file", value.Str(rel)).
		With("policy", withKeyFiles(withFolder(file.Doc, path.Dir(rel)), path.Dir(rel))))
}

// candidateFile opens the candidate, without a candidate of its own; nil: it has faults.
func (i *includer) candidateFile(given, place string) *File {
	name := filepath.Join(filepath.Dir(i.f.Path), filepath.FromSlash(given))
	switch {
	case filepath.IsAbs(given) || strings.Contains(given, "${"):
		i.fault(place, "want a path relative to this file, without ${…}")
		return nil
	case filepath.Clean(name) == filepath.Clean(i.f.Path):
		i.fault(place, "%s is this file", given)
		return nil
	}
	file, err := read(i.f.Files(), name)
	if err == nil {
		file.beside = true
		err = file.include()
		file.Doc = WithZones(file.Doc)
	}
	var faults *Error
	switch {
	case err == nil:
		return file
	case errors.As(err, &faults):
		i.faults = append(i.faults, faults.in()...)
	default:
		i.fault(place, "the candidate cannot be read: %v", err)
	}
	return nil
}

// in returns the faults, each with its file.
func (e *Error) in() []Fault {
	out := slices.Clone(e.Faults)
	for i := range out {
		if out[i].in == nil {
			out[i].in = e.file
		}
	}
	return out
}

// withKeyFiles makes the paths of files with key sets relative to the main file.
func withKeyFiles(doc value.Value, dir string) value.Value {
	auth := doc.Key("auth")
	list := auth.Key("tokens")
	if dir == "." || list.Kind() != value.Array {
		return doc
	}
	entries := slices.Clone(list.Elements())
	for i, entry := range entries {
		if name, ok := entry.Key("jwks").Key("file").Text(); ok && !filepath.IsAbs(name) {
			entries[i] = entry.With("jwks", entry.Key("jwks").With("file", value.Str(path.Join(dir, name))))
		}
	}
	return doc.With("auth", auth.With("tokens", value.Arr(entries...)))
}

// loadCandidate compiles the candidate, and makes it that of the policy, which is nil
// if it has faults itself. Its warnings are at places of its file.
func (f *File) loadCandidate(p *policy.Policy, o policy.Options) (warnings []policy.Warning, faults []Fault, err error) {
	if f.candidate == nil {
		return nil, nil, nil
	}
	o.Candidate = true
	c, warnings, err := f.candidate.Load(o)
	var bad *Error
	switch {
	case errors.As(err, &bad):
		return nil, bad.in(), nil
	case err != nil || p == nil:
		return nil, nil, err
	}
	given := p.Candidate
	given.Policy = c
	given.Bound(p)
	p.Unset = append(p.Unset, c.Unset...)
	slices.Sort(p.Unset)
	p.Unset = slices.Compact(p.Unset)
	if c.Calls && (given.May("webhooks") || given.May("queries")) {
		p.Calls = true
		if len(p.Companion.Secrets) == 0 {
			return nil, []Fault{f.locate(rules.Fault{Place: "shadow", Message: "the candidate's calls go to the policy's companion: want companion.secret, or a primary HS key among auth.tokens to derive it from"})}, nil
		}
	}
	for i := range warnings {
		warnings[i].Place = inFile(given.File(), warnings[i].Place)
	}
	return warnings, nil, nil
}

// inFile returns the place for one of an included file.
func inFile(file, place string) string {
	root := rules.Join("", file)
	if place == "" || strings.HasPrefix(place, "[") {
		return root + place
	}
	return root + "." + place
}
