package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
)

// maxFile bounds a file of the page, in bytes.
const maxFile = 4 << 20

// project is the policy that is edited, with its files.
type project struct {
	policy string // its path
	dir    string
}

func newProject(policy string) (*project, error) {
	data, err := (policyfile.Disk{}).Read(policy, maxFile)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: want a text in UTF-8", policy)
	}
	return &project{policy: policy, dir: filepath.Dir(policy)}, nil
}

// tests is the path of the file with tests: the first one of the policy, or the one that
// a new test makes.
func (p *project) tests() string {
	if _, found, err := policytest.Find([]string{p.policy}); err == nil && len(found) > 0 {
		return found[0]
	}
	ext := filepath.Ext(p.policy)
	return strings.TrimSuffix(p.policy, ext) + "_test" + ext
}

// name is the name of a path in the page: relative to the folder of the policy.
func (p *project) name(path string) string {
	rel, err := filepath.Rel(p.dir, path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(rel)
}

// files reads the files that the page gets, by their names: the policy, what it includes,
// its tests, and their rows. Of the files with keys, it gets those that are public.
func (p *project) files() map[string]file {
	keys := &recorder{seen: map[string][]byte{}}
	f, err := policyfile.Open(keys, p.policy)
	out := map[string]file{}
	p.add(out, keys.seen)
	if err == nil {
		clear(keys.seen)
		// Its faults are shown in the page.
		_, _ = f.LoadStandIn()
		for path, data := range keys.seen {
			if public(data) {
				p.add(out, map[string][]byte{path: data})
			}
		}
	}
	rows := &recorder{seen: map[string][]byte{}}
	// Its faults are shown in the page.
	_, _ = policytest.Load(p.tests(), policytest.Options{Files: rows, Policy: p.policy, Record: true})
	for path := range rows.seen {
		if _, isKey := keys.seen[path]; isKey {
			delete(rows.seen, path)
		}
	}
	p.add(out, rows.seen)
	return out
}

// file is a file of the page.
type file struct {
	Text string `json:"text"`
	Hash string `json:"hash"` // of its bytes on the disk
}

func (p *project) add(to map[string]file, seen map[string][]byte) {
	for path, data := range seen {
		if utf8.Valid(data) { // JSON has no other texts: saving one would change it
			to[p.name(path)] = file{string(data), hash(data)}
		}
	}
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// public reports whether a file holds public keys alone.
func public(data []byte) bool {
	return bytes.Contains(data, []byte("-----BEGIN PUBLIC KEY-----")) && !bytes.Contains(data, []byte("PRIVATE"))
}

// recorder are the files of the disk; it keeps what is read.
type recorder struct {
	policyfile.Disk
	seen map[string][]byte
}

// Read implements policyfile.Files.
func (r *recorder) Read(path string, limit int64) ([]byte, error) {
	data, err := r.Disk.Read(path, limit)
	if err == nil && len(data) <= maxFile {
		r.seen[path] = data
	}
	return data, err
}

// version tells two states of the files apart, without reading them.
func (p *project) version(names []string) string {
	var b strings.Builder
	paths := []string{p.dir, p.policy, p.tests()}
	for _, path := range names {
		paths = append(paths, path, filepath.Dir(path)) // an include may get another file
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
	}
	return hash([]byte(b.String()))[:16]
}

// errConflict is the error of saving a file that somebody else has changed.
var errConflict = errors.New("the file was changed on the disk since it was read")

// save writes one of the files, if it is as it was when its hash was made: "" for a file
// that was not there. It returns the new hash.
func (p *project) save(name, text, was string) (string, error) {
	path, err := p.writable(name)
	if err != nil {
		return "", err
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	mode := fs.FileMode(0o644)
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if was != "" {
			return "", errConflict
		}
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no regular file", name)
	default:
		mode = info.Mode().Perm()
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		if hash(data) != was {
			return "", errConflict
		}
	}
	return hash([]byte(text)), replace(path, text, mode)
}

// writable returns the path of a file that may be saved: the policy, what it includes, and
// its tests.
func (p *project) writable(name string) (string, error) {
	allowed := &recorder{seen: map[string][]byte{}}
	// Its faults are shown in the page.
	_, _ = policyfile.Open(allowed, p.policy)
	paths := []string{p.policy, p.tests()}
	for path := range allowed.seen {
		paths = append(paths, path)
	}
	i := slices.IndexFunc(paths, func(path string) bool { return p.name(path) == name })
	if i < 0 {
		return "", fmt.Errorf("%s is no file of this policy", name)
	}
	return paths[i], nil
}

// replace writes a file whole or not at all.
func replace(path, text string, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".rulegate-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is gone when all went well
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
