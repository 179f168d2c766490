package policyfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files is where a policy's files are: on the disk, or in a revision of git.
type Files interface {
	// Read reads a file of at most limit bytes.
	Read(path string, limit int64) ([]byte, error)
	// Glob lists the files that a pattern of filepath.Match fits, in order.
	Glob(pattern string) ([]string, error)
	// List lists the files in a folder and below it, in order.
	List(dir string) ([]string, error)
	IsDir(path string) bool
	// IsFile reports whether a path is a regular file.
	IsFile(path string) bool
	// Name is the name of a file in messages.
	Name(path string) string
}

// Disk are the files of the disk.
type Disk struct{}

// Read implements Files. It reads no named pipe, but those of /dev and /proc, which a shell
// makes: it would wait for a writer, and a reload must end.
func (Disk) Read(path string, limit int64) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 && !strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/proc/") {
		return nil, fmt.Errorf("%s is a named pipe: want a file", path)
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return readAll(path, in, limit)
}

// Glob implements Files.
func (Disk) Glob(pattern string) ([]string, error) {
	names, err := filepath.Glob(pattern)
	slices.Sort(names)
	return names, err
}

// Name implements Files.
func (Disk) Name(path string) string { return path }

func readAll(name string, in io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: more than %d MiB", name, limit>>20)
	}
	return data, nil
}
