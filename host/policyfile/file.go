// Package policyfile reads policy files, in YAML or JSON, and reports faults with
// their line and column.
package policyfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	maxFile     = 4 << 20 // bytes of a policy file
	maxIncluded = 1 << 20 // bytes of a file that `${file:…}` names
)

// File is a policy file that could be parsed. Its policy may have faults.
type File struct {
	Path string
	// Doc is the content, with `${…}` as it is in the file.
	Doc value.Value

	from   Files            // where the file is; nil: on the disk
	other  bool             // not a policy: no place holds a secret
	parts  map[string]*File // the included files and the candidate, by their path relative to this one
	beside bool             // it is a candidate: none of its own is read
	named  []string         // the files that ReadFile has read
	lines  []string

	candidate *File // nil: there is none, or it cannot be read

	marks  map[string]mark // by the place of the value
	hidden map[int][]span  // parts that excerpts do not show, by line
	masked struct {        // the last result of mask
		line int
		text []rune
	}
}

// mark holds the positions of a value and of its key; list elements have no key.
type mark struct {
	key, value position
}

// position is a line and a column in characters, both from 1. The zero position is
// none.
type position struct {
	line, column int
}

// Load reads a policy file and compiles its policy. By default, variables come
// from the environment, and the paths in `${file:…}` are relative to the policy's
// folder.
//
// Errors: *Error with all faults; any other error means that a file could not be
// read. The File is nil if it could not be parsed.
func Load(path string, o policy.Options) (*policy.Policy, *File, []policy.Warning, error) {
	return LoadFrom(Disk{}, path, o)
}

// LoadFrom is Load for a policy whose files are somewhere else.
func LoadFrom(files Files, path string, o policy.Options) (*policy.Policy, *File, []policy.Warning, error) {
	f, err := Open(files, path)
	if err != nil {
		return nil, f, nil, err
	}
	p, warnings, err := f.Load(o)
	return p, f, warnings, err
}

// Open reads a policy file and the files that it includes.
//
// Errors: as Load. The File is nil if it could not be parsed.
func Open(files Files, path string) (*File, error) {
	f, err := read(files, path)
	if err != nil {
		return nil, err
	}
	if err := f.include(); err != nil {
		return f, err
	}
	f.Doc = WithZones(f.Doc)
	return f, nil
}

// Load compiles the policy of an opened file.
//
// Errors: as the function Load.
func (f *File) Load(o policy.Options) (*policy.Policy, []policy.Warning, error) {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	o.Crypto = gocrypto.Crypto()
	own := o
	if o.ReadFile == nil {
		own.ReadFile = f.ReadFile
	}
	p, warnings, err := policy.Load(f.Doc, own)
	var faults rules.Faults
	if err != nil && !errors.As(err, &faults) {
		return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	others, more, err := f.loadCandidate(p, o)
	if err != nil {
		return nil, nil, err
	}
	if len(faults)+len(more) > 0 {
		e := f.error(faults)
		e.Faults = append(e.Faults, more...)
		return nil, nil, e
	}
	warnings = append(warnings, others...)
	if p.Gateway == "" {
		p.Gateway, _ = os.Hostname()
	}
	return p, warnings, nil
}

// Name is the name of the file in messages.
func (f *File) Name() string { return f.Files().Name(f.Path) }

// Files is where the file is.
func (f *File) Files() Files {
	if f.from == nil {
		return Disk{}
	}
	return f.from
}

// Read reads a policy file of at most 4 MiB.
func Read(path string) (*File, error) { return read(Disk{}, path) }

func read(files Files, path string) (*File, error) {
	data, err := files.Read(path, maxFile)
	if err != nil {
		return nil, err
	}
	return (&File{Path: path, from: files}).parse(data)
}

// Parse reads the content of a policy file: JSON if its name ends in .json or if
// it is valid JSON, else YAML 1.2 without the features that JSON lacks.
//
// Errors: *Error.
func Parse(path string, data []byte) (*File, error) {
	return (&File{Path: path}).parse(data)
}

// ParseOther reads the content of a file that is no policy, such as one with tests of a
// policy, in the same YAML or JSON.
//
// Errors: *Error.
func ParseOther(path string, data []byte) (*File, error) {
	return (&File{Path: path, other: true}).parse(data)
}

// ReadOther is ParseOther for a file of at most 4 MiB.
func ReadOther(path string) (*File, error) { return ReadOtherFrom(Disk{}, path) }

// ReadOtherFrom is ReadOther for a file that is somewhere else.
func ReadOtherFrom(files Files, path string) (*File, error) {
	data, err := files.Read(path, maxFile)
	if err != nil {
		return nil, err
	}
	return (&File{Path: path, from: files, other: true}).parse(data)
}

// ParseOther is the function ParseOther for a file beside this one.
func (f *File) ParseOther(path string, data []byte) (*File, error) {
	return (&File{Path: path, from: f.from, other: true}).parse(data)
}

func (f *File) parse(data []byte) (*File, error) {
	text := strings.TrimPrefix(string(data), "\ufeff")
	f.marks, f.hidden = map[string]mark{}, map[int][]span{}
	f.lines = strings.Split(text, "\n")
	for i, line := range f.lines {
		f.lines[i] = strings.TrimSuffix(line, "\r")
	}
	if fault := f.checkText(text); fault != nil {
		return nil, &Error{f, []Fault{*fault}}
	}
	if isJSON(f.Path, text) {
		return f, f.readJSON(text)
	}
	return f, f.readYAML(text)
}

// checkText refuses invalid UTF-8 and control characters (YAML 1.2, section 5.1).
func (f *File) checkText(text string) *Fault {
	if fault := f.notText(text); fault != nil {
		return fault
	}
	for i, line := range f.lines {
		column := 0
		for at, r := range line {
			column++
			message := ""
			switch {
			case r == utf8.RuneError && !utf8.ValidString(line[at:at+1]) && !strings.HasPrefix(line[at:], "\ufffd"):
				message = "not UTF-8"
			case r < ' ' && r != '\t' || r == 0x7f:
				message = fmt.Sprintf("a control character (U+%04X)", r)
			}
			if message != "" {
				return &Fault{Message: message, Line: i + 1, Column: column}
			}
		}
	}
	return nil
}

// ReadFile reads a file that `${file:…}` names, at most 1 MiB.
func (f *File) ReadFile(name string) ([]byte, error) {
	if filepath.IsAbs(name) {
		f.named = append(f.named, name)
		return Disk{}.Read(name, maxIncluded)
	}
	name = filepath.Join(filepath.Dir(f.Path), name)
	f.named = append(f.named, name)
	return f.Files().Read(name, maxIncluded)
}
