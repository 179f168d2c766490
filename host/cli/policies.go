package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
)

// source is a file or a folder of the command line: on the disk, or in a revision of
// git.
type source struct {
	files policyfile.Files
	path  string
	arg   string // as it was written
}

// sourceOf reads an argument: a path, or REVISION:path.
func sourceOf(arg string) (source, error) {
	r, path, ok, err := policyfile.SplitRevision(arg)
	switch {
	case err != nil:
		return source{}, err
	case ok:
		return source{r, path, arg}, nil
	}
	if _, err := os.Stat(arg); err != nil {
		return source{}, err
	}
	return source{policyfile.Disk{}, arg, arg}, nil
}

// policies lists the policies of the source.
func (s source) policies() ([]source, error) {
	if !s.files.IsDir(s.path) {
		return []source{s}, nil
	}
	names, err := policyfile.Policies(s.files, s.path)
	if err != nil {
		return nil, err
	}
	var out []source
	for _, name := range names {
		out = append(out, source{s.files, name, s.files.Name(name)})
	}
	return out, nil
}

// policySources lists the policies that arguments name: files, and folders with
// policies. One that is named twice is there once.
func policySources(args []string) (out []source, err error) {
	seen := map[string]bool{}
	for _, arg := range args {
		s, err := sourceOf(arg)
		if err != nil {
			return nil, err
		}
		found, err := s.policies()
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if name := filepath.Clean(p.files.Name(p.path)); !seen[name] {
				seen[name] = true
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// checkFormat checks --format.
func checkFormat(format string, formats []string) error {
	if slices.Contains(formats, format) {
		return nil
	}
	last := len(formats) - 1
	return usagef("--format: want %s or %s, found %q", strings.Join(formats[:last], ", "), formats[last], format)
}

// standIns tells which variables and files were missing.
func standIns(path string, missing []string) string {
	return fmt.Sprintf("%s: not there, so stand-ins are used: %s", path, strings.Join(missing, ", "))
}
