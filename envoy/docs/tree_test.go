package docs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestDocumentTree compares the tree that a document shows with the repository:
// each folder of the tree exists, and each package is in the tree.
func TestDocumentTree(t *testing.T) {
	for _, file := range documents(t) {
		for _, b := range readBlocks(t, file) {
			if b.use != "tree" {
				continue
			}
			named := treeFolders(b.text)
			for folder := range named {
				if info, err := os.Stat(harness.Repository(folder)); err != nil || !info.IsDir() {
					t.Errorf("%v: no folder %s", b, folder)
				}
			}
			for folder := range packageFolders(t) {
				if !named[folder] {
					t.Errorf("%v: package %s is not in the tree", b, folder)
				}
			}
		}
	}
}

// treeFolders reads lines of folders that are indented by two spaces a level. A
// line starts with one or more names that end with a slash.
func treeFolders(text string) map[string]bool {
	named := map[string]bool{}
	var parents []string
	for line := range strings.Lines(text) {
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		parents = parents[:min(depth, len(parents))]
		folder := path.Join(parents...)
		for word := range strings.FieldsSeq(line) {
			name, ok := strings.CutSuffix(word, "/")
			if !ok {
				break
			}
			named[path.Join(folder, name)] = true
			parents = append(parents[:min(depth, len(parents))], name)
		}
	}
	return named
}

// packageFolders returns the folders that hold Go files, without hidden ones and
// testdata.
func packageFolders(t *testing.T) map[string]bool {
	t.Helper()
	root := harness.Repository()
	folders := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return filepath.SkipDir
		case strings.HasSuffix(file, ".go"):
			folder, err := filepath.Rel(root, filepath.Dir(file))
			if err != nil {
				return err
			}
			folders[filepath.ToSlash(folder)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}
