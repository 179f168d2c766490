package policyfile

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// maxFound bounds the files of a folder that are looked at.
const maxFound = 100_000

// List implements Files: it leaves out folders whose names start with a point or an
// underscore, and node_modules.
func (Disk) List(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && skipped(d.Name()):
			return filepath.SkipDir
		case !d.IsDir():
			files = append(files, path)
		}
		if len(files) > maxFound {
			return fmt.Errorf("%s: more than %d files", dir, maxFound)
		}
		return nil
	})
	return files, err
}

// IsDir implements Files.
func (Disk) IsDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// IsFile implements Files.
func (Disk) IsFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// List implements Files, like that of Disk.
func (r *Revision) List(dir string) (files []string, err error) {
	all, err := r.list()
	dir = path.Clean(filepath.ToSlash(dir))
	for _, name := range all {
		below, ok := strings.CutPrefix(name, dir+"/")
		if dir == "." {
			below, ok = name, true
		}
		if folders, _ := path.Split(below); ok && !slices.ContainsFunc(strings.Split(folders, "/"), skipped) {
			files = append(files, name)
		}
	}
	return files, err
}

// IsDir implements Files.
func (r *Revision) IsDir(name string) bool {
	all, err := r.list()
	name = path.Clean(filepath.ToSlash(name))
	return err == nil && (name == "." || slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, name+"/") }))
}

// IsFile implements Files.
func (r *Revision) IsFile(name string) bool {
	all, err := r.list()
	return err == nil && slices.Contains(all, path.Clean(filepath.ToSlash(name)))
}

// skipped reports whether the files of a folder are left out, by its name.
func skipped(name string) bool {
	return name != "" && (name[0] == '.' || name[0] == '_') && name != "." && name != ".." || name == "node_modules"
}

// Policies lists the policies in a folder and below it, in order: files that have
// routes, or another section of a policy, and that no other of them includes.
//
// Errors: the folder cannot be read, or has none.
func Policies(files Files, dir string) (found []string, err error) {
	all, err := files.List(dir)
	if err != nil {
		return nil, err
	}
	included := map[string]bool{}
	for _, name := range all {
		if !mayBePolicy(files, name) {
			continue
		}
		found = append(found, name)
		if f, _ := Open(files, name); f != nil {
			for rel := range f.parts {
				included[filepath.Join(filepath.Dir(name), filepath.FromSlash(rel))] = true
			}
		}
	}
	found = slices.DeleteFunc(found, func(name string) bool { return included[filepath.Clean(name)] })
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no policy: want a file with routes or another section of a policy", files.Name(dir))
	}
	return found, nil
}

// section finds the key of a section that only policies have.
var section = regexp.MustCompile(`(?m)^["']?(routes|teams|auth|services|databases|files)["']?\s*:`)

// mayBePolicy reports whether a file is a policy.
func mayBePolicy(files Files, name string) bool {
	base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml"), ".json")
	if base == name || strings.HasSuffix(base, "_test") {
		return false
	}
	data, err := files.Read(name, maxFile)
	return err == nil && IsPolicy(name, data)
}

// IsPolicy reports whether the content of a file is a policy, or a part of one. Content
// that cannot be parsed is a policy if it looks like one, so that its faults are shown.
func IsPolicy(name string, data []byte) bool {
	f, err := ParseOther(name, data)
	if err != nil {
		return section.Match(data)
	}
	return isPolicy(f.Doc)
}

// isPolicy tells a policy from other files: those of Compose have services too.
func isPolicy(doc value.Value) bool {
	has := func(v value.Value, keys ...string) (found bool) {
		v.Each(func(_ string, x value.Value) bool {
			for _, key := range keys {
				found = found || x.Key(key).Kind() != value.Missing
			}
			return !found
		})
		return found
	}
	if doc.Key("tests").Kind() != value.Missing {
		return false
	}
	auth := doc.Key("auth")
	return has(doc.Key("routes"), "match") || doc.Key("routes").Kind() == value.Array && doc.Key("routes").Len() == 0 ||
		has(doc.Key("teams"), "include") || has(doc.Key("services"), "endpoints") ||
		has(doc.Key("events"), "rule") || has(doc.Key("databases"), "type", "collections", "queries") || has(doc.Key("files"), "prefix", "rules") ||
		auth.Key("tokens").Kind() != value.Missing || auth.Key("from").Kind() != value.Missing
}
