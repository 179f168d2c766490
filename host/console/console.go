// Package console serves the page of `rulegate console`: a policy, a request, and what
// the policy decides about it. The evaluator runs in the page itself, so the server only
// has files: those of the page, which `make console` builds into dist, and those of the
// policy that is edited.
package console

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The folder is empty but for one file where the page was not built.
//
//go:embed all:dist
var embedded embed.FS

// Page are the files of the page.
//
// Errors: ErrNotBuilt.
func Page() (fs.FS, error) {
	page, err := fs.Sub(embedded, "dist")
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(page, "index.html"); err != nil {
		return nil, ErrNotBuilt
	}
	return page, nil
}

// ErrNotBuilt is the error of a command that was built without the page.
var ErrNotBuilt = errors.New("this command was built without the page: use a released one, or run `make console command` in a checkout of rulegate, which takes npm")

// Export writes the files of the page into a folder, which it makes.
func Export(dir string) error {
	page, err := Page()
	if err != nil {
		return err
	}
	return export(page, dir)
}

func export(page fs.FS, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := fs.ReadDir(page, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == ".gitignore" {
			continue
		}
		data, err := fs.ReadFile(page, e.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), data, 0o644); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}
