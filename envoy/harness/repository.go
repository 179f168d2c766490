package harness

import (
	"os"
	"path/filepath"
)

// Repository returns a path in the repository, whose root is the nearest folder
// above the test's that has a go.mod.
func Repository(elem ...string) string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return filepath.Join(append([]string{root}, elem...)...)
		}
		if root == filepath.Dir(root) {
			panic("no go.mod above " + dir)
		}
	}
}
