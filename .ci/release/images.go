package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// images writes two archives, OCI image layouts: the module's images, and the
// command's, FROM scratch, for each processor of linux.
func (r *release) images() error {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	module := filepath.Join(dir, "module")
	if err := r.moduleImage(module); err != nil {
		return err
	}
	if err := archive(module, r.path("rulegate-module-image.tar")); err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	n := 0
	for _, t := range r.targets {
		if t.os != "linux" {
			continue
		}
		img, err := r.scratch(t)
		if err != nil {
			return err
		}
		n++
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: t.os, Architecture: t.arch}}})
	}
	if n == 0 {
		return nil
	}
	whole := filepath.Join(dir, "command")
	path, err := layout.Write(whole, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "rulegate"})); err != nil {
		return err
	}
	return archive(whole, r.path("rulegate-image.tar"))
}

// moduleImage makes the module's images by the command itself: by the one that was built
// for this machine, if there is one.
func (r *release) moduleImage(folder string) error {
	args := []string{"image", "build", "--module", r.path("rulegate.wasm"), "--output", folder}
	if here := (target{runtime.GOOS, runtime.GOARCH}); slices.Contains(r.targets, here) {
		_, err := r.runs(nil, r.path(here.file()), args...)
		return err
	}
	_, err := r.goCommand([]string{"CGO_ENABLED=0"}, append([]string{"run", "-trimpath", command}, args...)...)
	return err
}

// scratch is the image that envoy/deploy/Dockerfile describes.
func (r *release) scratch(t target) (v1.Image, error) {
	binary, err := os.ReadFile(r.path(t.file()))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	compress := gzip.NewWriter(&out)
	files := tar.NewWriter(compress)
	err = files.WriteHeader(&tar.Header{Name: "rulegate", Mode: 0o755, Size: int64(len(binary))})
	if err == nil {
		_, err = files.Write(binary)
	}
	if err := errors.Join(err, files.Close(), compress.Close()); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	base := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	base, err = mutate.ConfigFile(base, &v1.ConfigFile{
		OS: t.os, Architecture: t.arch,
		Config: v1.Config{User: "65532:65532", Entrypoint: []string{"/rulegate"}},
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(base, layer)
}

// archive writes a folder as a tar without times and owners, in the order of names.
func archive(dir, file string) error {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}
