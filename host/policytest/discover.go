package policytest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
)

// maxFiles bounds the files with tests of one run.
const maxFiles = 10_000

// Find returns the files with tests that arguments of the command line name, and the
// policy, if one is named first. A folder means the files in it and below it. Without
// files it is every file with tests beside the policy, or in this folder, that tests
// that policy.
//
// Errors: a name that is not there, a folder without tests.
func Find(args []string) (policyPath string, files []string, err error) {
	for i, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			return "", nil, err
		case info.IsDir():
			found, err := inFolder(arg)
			if err != nil {
				return "", nil, err
			}
			if len(found) == 0 {
				return "", nil, fmt.Errorf("%s: no file whose name ends in _test.yaml, _test.yml or _test.json", arg)
			}
			files = append(files, found...)
		case IsTest(arg):
			files = append(files, arg)
		case i == 0:
			policyPath = arg
		default:
			return "", nil, fmt.Errorf("%s: want a file whose name ends in _test.yaml, _test.yml or _test.json; the policy comes first", arg)
		}
	}
	if len(files) == 0 {
		files, err = besides(policyPath)
	}
	return policyPath, unique(files), err
}

// IsTest reports whether the name of a file is that of one with tests.
func IsTest(name string) bool {
	for _, end := range []string{"_test.yaml", "_test.yml", "_test.json"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// inFolder lists the files with tests in a folder and below it, but for folders whose
// name starts with a point or an underscore, and node_modules.
func inFolder(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && path != dir && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() || !IsTest(name):
			return nil
		case len(files) == maxFiles:
			return fmt.Errorf("%s: more than %d files with tests", dir, maxFiles)
		}
		files = append(files, path)
		return nil
	})
	return files, err
}

// besides lists the files with tests in the folder of a policy, or in this folder if it
// is "". Of these, it leaves out the ones that test another policy.
func besides(policyPath string) (files []string, err error) {
	dir := "."
	if policyPath != "" {
		dir = filepath.Dir(policyPath)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() || !IsTest(e.Name()) || policyPath != "" && !tests(path, policyPath) {
			continue
		}
		files = append(files, path)
	}
	if len(files) == 0 {
		of := ""
		if policyPath != "" {
			of = " of " + policyPath
		}
		return nil, fmt.Errorf("%s: no file with tests%s: write one whose name ends in _test.yaml, such as policy_test.yaml", dir, of)
	}
	return files, nil
}

// tests reports whether a file tests the policy. One that cannot be read counts, so that
// its faults are shown.
func tests(path, policyPath string) bool {
	f, err := policyfile.ReadOther(path)
	if err != nil {
		return true
	}
	of := policyOf(f)
	a, errA := os.Stat(of)
	b, errB := os.Stat(policyPath)
	if errA != nil || errB != nil {
		return filepath.Clean(of) == filepath.Clean(policyPath)
	}
	return os.SameFile(a, b)
}

func unique(files []string) (out []string) {
	for _, f := range files {
		if f = filepath.Clean(f); !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// Folders lists the folders of files with tests and of their policies.
func Folders(policyPath string, files []string) []string {
	var dirs []string
	for _, path := range files {
		dirs = append(dirs, filepath.Dir(path))
		if f, err := policyfile.ReadOther(path); err == nil && policyPath == "" {
			dirs = append(dirs, filepath.Dir(policyOf(f)))
		}
	}
	if policyPath != "" {
		dirs = append(dirs, filepath.Dir(policyPath))
	}
	return unique(dirs)
}
