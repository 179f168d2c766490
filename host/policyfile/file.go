// Package policyfile reads policy files, YAML or JSON, and says where in them
// a fault stands.
package policyfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	maxFile     = 4 << 20 // bytes of a policy file
	maxIncluded = 1 << 20 // bytes of what `${file:…}` names
)

// File is a policy file that could be read; what it says may still be wrong.
type File struct {
	Path string
	// Doc is what it says, before substitution.
	Doc value.Value

	lines  []string
	marks  map[string]mark
	hidden map[int][]span // what is not shown, by line
}

// mark is where a value stands, and its key.
type mark struct {
	key, value position
}

// position is 1-based, in lines and in characters.
type position struct {
	line, column int
}

// Load reads a policy file. Where the options say nothing, variables are the
// process's, and the paths of `${file:…}` start at the policy's directory.
//
// Errors: *Error with all faults; any other error says that there is no such
// file, or none that can be read. The File is nil only if it could not be read
// as YAML or JSON.
func Load(path string, o policy.Options) (*policy.Policy, *File, []policy.Warning, error) {
	f, err := Read(path)
	if err != nil {
		return nil, nil, nil, err
	}
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = f.ReadFile
	}
	p, warnings, err := policy.Load(f.Doc, o)
	var faults rules.Faults
	if errors.As(err, &faults) {
		return nil, f, nil, f.error(faults)
	}
	if err != nil {
		return nil, f, nil, fmt.Errorf("%s: %w", path, err)
	}
	if p.Gateway == "" {
		p.Gateway, _ = os.Hostname()
	}
	return p, f, warnings, nil
}

// Read reads a policy file of at most 4 MiB.
func Read(path string) (*File, error) {
	data, err := readAll(path, maxFile)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse reads the content of a policy file. A file whose name ends in .json is
// JSON; any other is YAML 1.2, as far as it can be said in JSON.
//
// Errors: *Error.
func Parse(path string, data []byte) (*File, error) {
	text := strings.TrimPrefix(string(data), "\ufeff")
	f := &File{Path: path, marks: map[string]mark{}, hidden: map[int][]span{}}
	f.lines = strings.Split(text, "\n")
	for i, line := range f.lines {
		f.lines[i] = strings.TrimSuffix(line, "\r")
	}
	if fault := f.checkText(text); fault != nil {
		return nil, &Error{f, []Fault{*fault}}
	}
	if isJSON(path, text) {
		return f, f.readJSON(text)
	}
	return f, f.readYAML(text)
}

// checkText refuses what no text file holds (YAML 1.2, section 5.1).
func (f *File) checkText(text string) *Fault {
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

// ReadFile reads what `${file:…}` names, at most 1 MiB.
func (f *File) ReadFile(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(f.Path), name)
	}
	return readAll(name, maxIncluded)
}

func readAll(path string, limit int64) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: more than %d MiB", path, limit>>20)
	}
	return data, nil
}
