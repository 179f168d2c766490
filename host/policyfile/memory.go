package policyfile

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Memory are files in memory, by their paths: clean, and with slashes. Nothing else of
// the disk can be read through it.
type Memory map[string]string

// Read implements Files.
func (m Memory) Read(name string, limit int64) ([]byte, error) {
	text, ok := m[slashed(name)]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return readAll(name, strings.NewReader(text), limit)
}

// Glob implements Files.
func (m Memory) Glob(pattern string) (found []string, err error) {
	pattern = slashed(pattern)
	for _, name := range slices.Sorted(maps.Keys(m)) {
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

// List implements Files.
func (m Memory) List(dir string) (files []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if dir = slashed(dir); dir == "." || strings.HasPrefix(name, dir+"/") {
			files = append(files, name)
		}
	}
	return files, nil
}

// IsDir implements Files.
func (m Memory) IsDir(name string) bool {
	found, err := m.List(name)
	return err == nil && len(found) > 0
}

// IsFile implements Files.
func (m Memory) IsFile(name string) bool {
	_, ok := m[slashed(name)]
	return ok
}

// Name implements Files.
func (Memory) Name(name string) string { return name }

func slashed(name string) string { return path.Clean(filepath.ToSlash(name)) }
