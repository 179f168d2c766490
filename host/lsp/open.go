package lsp

import (
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/rulegate/rulegate/host/assist"
	"github.com/rulegate/rulegate/host/policyfile"
	protocol "github.com/tliron/glsp/protocol_3_16"
)

// open is the disk, with the texts that are open in the editor in place of the files.
type open struct {
	policyfile.Disk

	mu    sync.Mutex
	texts map[string]document
}

// document is a text in the editor.
type document struct {
	text    string
	version protocol.UInteger
}

// Read implements policyfile.Files.
func (o *open) Read(path string, limit int64) ([]byte, error) {
	if d, ok := o.get(path); ok && int64(len(d.text)) <= limit {
		return []byte(d.text), nil
	}
	return o.Disk.Read(path, limit)
}

// IsFile implements policyfile.Files.
func (o *open) IsFile(path string) bool {
	_, ok := o.get(path)
	return ok || o.Disk.IsFile(path)
}

func (o *open) get(path string) (document, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, ok := o.texts[filepath.Clean(path)]
	return d, ok
}

func (o *open) set(path string, d document) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.texts[filepath.Clean(path)] = d
}

func (o *open) close(path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.texts, filepath.Clean(path))
}

// paths lists the open files, in order.
func (o *open) paths() (paths []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for path := range o.texts {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// document returns a file of a request, as it is in the editor or on the disk.
func (o *open) document(uri protocol.DocumentUri) (assist.Document, error) {
	path := pathOf(uri)
	data, err := o.Read(path, maxFile)
	return assist.Document{Path: path, Text: string(data)}, err
}

// maxFile is that of policies, in bytes.
const maxFile = 4 << 20

// pathOf returns the path of a file's URI; another URI is its own name.
func pathOf(uri protocol.DocumentUri) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return uri
	}
	path := u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/") // /C:/policy.yaml
	}
	return filepath.Clean(filepath.FromSlash(path))
}

// uriOf is the reverse of pathOf.
func uriOf(path string) protocol.DocumentUri {
	if strings.Contains(path, "://") || strings.HasPrefix(path, "untitled:") {
		return path
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}

// related lists the other files of the policy of a document: the main file, and those
// that it includes.
func (o *open) related(d assist.Document) (others []assist.Document) {
	for _, path := range o.files(d.Path) {
		if path == d.Path {
			continue
		}
		if data, err := o.Read(path, maxFile); err == nil {
			others = append(others, assist.Document{Path: path, Text: string(data)})
		}
	}
	return others
}

// files lists the files of the policy that a file belongs to, the main file first.
func (o *open) files(path string) []string {
	main := o.main(path)
	f, _ := policyfile.Open(o, main)
	if f == nil {
		return []string{main}
	}
	return append([]string{main}, f.Parts()...)
}

// maxParents bounds the folders above a file that are searched for its main file.
const maxParents = 4

// main returns the policy that includes a file, else the file itself.
func (o *open) main(path string) string {
	dir := filepath.Dir(path)
	for range maxParents {
		for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
			names, _ := o.Glob(filepath.Join(dir, pattern)) // the patterns are good
			for _, name := range names {
				if name != path && !strings.HasSuffix(name, "_test"+filepath.Ext(name)) && o.includes(name, path) {
					return name
				}
			}
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
		}
	}
	return path
}

// includes reports whether a policy includes a file.
func (o *open) includes(policy, path string) bool {
	data, err := o.Read(policy, maxFile)
	if err != nil || !strings.Contains(string(data), "include") {
		return false
	}
	f, _ := policyfile.Open(o, policy)
	return f != nil && slices.Contains(f.Parts(), path)
}
