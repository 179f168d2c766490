package mesh

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// scratchImage is a container image of one program and the libraries that it is linked
// with, FROM scratch.
type scratchImage struct {
	tag     string
	program string // on this machine
	path    string // in the image
	files   []string
	user    string
}

// load makes the image and gives it to containerd.
func (i scratchImage) load() error {
	var layer bytes.Buffer
	if err := i.layer(&layer); err != nil {
		return err
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil },
		tarball.WithCompressionLevel(gzip.NoCompression))
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config.Entrypoint, config.Config.User = []string{i.path}, i.user
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	tag, err := name.NewTag(i.tag)
	if err != nil {
		return err
	}
	file := work("image.tar")
	defer os.Remove(file)
	if err := tarball.WriteToFile(file, tag, img); err != nil {
		return err
	}
	_, err = output("", "ctr", "-n", "k8s.io", "images", "import", file)
	return err
}

// library is a line of ldd's output.
var library = regexp.MustCompile(`(?m)(/\S+) \(0x`)

func (i scratchImage) layer(w io.Writer) error {
	files := map[string]string{i.path: i.program}
	for _, f := range i.files {
		files[f] = f
	}
	// ldd fails for a static program, which has no libraries.
	out, _ := exec.Command("ldd", i.program).Output()
	for _, m := range library.FindAllStringSubmatch(string(out), -1) {
		files[m[1]] = m[1]
	}
	archive := tar.NewWriter(w)
	for path, source := range files {
		data, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		if err := archive.WriteHeader(&tar.Header{Name: filepath.Clean(path)[1:], Mode: 0o755, Size: int64(len(data))}); err != nil {
			return err
		}
		if _, err := archive.Write(data); err != nil {
			return err
		}
	}
	return archive.Close()
}
