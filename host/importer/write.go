package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Output is a file that an import writes.
type Output struct {
	Path    string
	Content []byte
	Mode    fs.FileMode
}

// Write writes all files, or none: a file that is there is replaced only with force.
func Write(outputs []Output, force bool) error {
	for _, o := range outputs {
		switch there, err := os.Lstat(o.Path); {
		case err == nil && there.IsDir():
			return fmt.Errorf("%s is a folder: choose another name with --output", o.Path)
		case err == nil && !force:
			return fmt.Errorf("%s is there already: choose another name with --output, or replace it with --force", o.Path)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	var parts []string
	defer func() {
		for _, part := range parts {
			os.Remove(part)
		}
	}()
	for _, o := range outputs {
		part, err := writePart(o)
		if part != "" {
			parts = append(parts, part)
		}
		if err != nil {
			return err
		}
	}
	for i, o := range outputs {
		if err := os.Rename(parts[i], o.Path); err != nil {
			return err
		}
	}
	return nil
}

// writePart writes a file under another name beside its own.
func writePart(o Output) (path string, err error) {
	f, err := os.CreateTemp(filepath.Dir(o.Path), ".import-*")
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := f.Chmod(o.Mode); err != nil {
		return f.Name(), err
	}
	if _, err := f.Write(o.Content); err != nil {
		return f.Name(), err
	}
	return f.Name(), f.Sync()
}
