package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Revision are the files of a revision of git, in the repository of the current
// folder. Its paths start at the top of the repository.
type Revision struct {
	name   string
	listed []string // all files, once they were listed
}

// SplitRevision splits an argument such as HEAD~1:policy.yaml, which git has as the
// name of a file in a revision. ok is false for a file on the disk, whatever its
// name. As in git, a path that begins with ./ or ../ starts at the current folder,
// and another one at the top of the repository.
func SplitRevision(arg string) (r *Revision, path string, ok bool, err error) {
	name, path, ok := strings.Cut(arg, ":")
	if _, err := os.Stat(arg); !ok || err == nil || name == "" || len(name) == 1 && filepath.IsAbs(arg) {
		return nil, "", false, nil
	}
	r, err = NewRevision(name)
	if err == nil && (strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../")) {
		path, err = r.FromHere(path)
	}
	return r, path, true, err
}

// NewRevision returns the files of a revision, such as HEAD~1, main or v1.2.
//
// Errors: there is no git, no repository, or no such revision.
func NewRevision(name string) (*Revision, error) {
	if strings.HasPrefix(name, "-") {
		return nil, fmt.Errorf("%q is no revision", name)
	}
	if _, err := git(1<<10, "rev-parse", "--quiet", "--verify", name+"^{tree}"); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, err
		}
		return nil, fmt.Errorf("git knows no revision %q here", name)
	}
	return &Revision{name: name}, nil
}

// FromHere turns a path from the current folder into one from the top of the
// repository.
func (r *Revision) FromHere(name string) (string, error) {
	if filepath.IsAbs(name) {
		top, err := git(1<<12, "rev-parse", "--show-toplevel")
		if err != nil {
			return "", err
		}
		rel, err := filepath.Rel(strings.TrimSpace(string(top)), name)
		return filepath.ToSlash(rel), err
	}
	prefix, err := git(1<<12, "rev-parse", "--show-prefix")
	if err != nil {
		return "", err
	}
	out := path.Join(strings.TrimSuffix(string(prefix), "\n"), filepath.ToSlash(name))
	if out == ".." || strings.HasPrefix(out, "../") {
		return "", fmt.Errorf("%s is outside of the repository", name)
	}
	return out, nil
}

// Read implements Files.
func (r *Revision) Read(name string, limit int64) ([]byte, error) {
	name = path.Clean(filepath.ToSlash(name))
	data, err := git(limit, "cat-file", "blob", r.name+":"+name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name(name), err)
	}
	return data, nil
}

// Glob implements Files.
func (r *Revision) Glob(pattern string) (found []string, err error) {
	all, err := r.list()
	if err != nil {
		return nil, err
	}
	pattern = path.Clean(filepath.ToSlash(pattern))
	for _, name := range all {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, name)
		}
	}
	return found, nil
}

// maxListed bounds the bytes of the names of all files of a revision.
const maxListed = 64 << 20

func (r *Revision) list() ([]string, error) {
	if r.listed == nil {
		data, err := git(maxListed, "ls-tree", "-r", "-z", "--full-tree", "--name-only", r.name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		r.listed = strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
		slices.Sort(r.listed)
	}
	return r.listed, nil
}

// Name implements Files.
func (r *Revision) Name(path string) string { return r.name + ":" + path }

// git runs git and returns its output.
func git(limit int64, args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	data, err := readAll("git", out, limit)
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, err
	}
	if err := cmd.Wait(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return nil, errors.New(strings.TrimPrefix(line, "fatal: "))
	}
	return data, nil
}
