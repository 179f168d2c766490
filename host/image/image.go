// Package image makes OCI images of the module, and pushes them to a registry. The same
// module gives the same digest: an image has no times in it.
package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Forms are the forms of an image: oci has the module as a layer of a media type of its
// own, compat as the file plugin.wasm in an ordinary layer. Envoy Gateway takes both,
// Istio's agent the first.
// https://github.com/solo-io/wasm/blob/master/spec/README.md
var Forms = []string{"oci", "compat"}

const (
	configLayer = "application/vnd.module.wasm.config.v1+json"
	moduleLayer = "application/vnd.module.wasm.content.layer.v1+wasm"
)

var magic = []byte("\x00asm\x01\x00\x00\x00")

// Of returns the image of a module in a form.
func Of(module []byte, form string) (v1.Image, error) {
	if !bytes.HasPrefix(module, magic) {
		return nil, errors.New("want a module of WebAssembly, as `make module` builds it")
	}
	base := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	switch form {
	case "oci":
		return mutate.AppendLayers(base, static.NewLayer([]byte("{}"), configLayer), static.NewLayer(module, moduleLayer))
	case "compat":
		l, err := layer("plugin.wasm", module)
		if err != nil {
			return nil, err
		}
		return mutate.AppendLayers(base, l)
	}
	return nil, fmt.Errorf("no form %q of an image", form)
}

// layer is an ordinary layer with one file.
func layer(path string, data []byte) (v1.Layer, error) {
	var out bytes.Buffer
	compress := gzip.NewWriter(&out)
	files := tar.NewWriter(compress)
	err := files.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(data))})
	if err == nil {
		_, err = files.Write(data)
	}
	if err := errors.Join(err, files.Close(), compress.Close()); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
}

// Write writes the images of a module in some forms to a new folder, as an OCI image
// layout, and returns their digests. The form is the name of each
// (org.opencontainers.image.ref.name).
func Write(dir string, module []byte, forms []string) (digests []string, err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return nil, err
	}
	for _, form := range forms {
		img, err := Of(module, form)
		if err != nil {
			return nil, err
		}
		if err := path.AppendImage(img, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": form})); err != nil {
			return nil, err
		}
		d, err := img.Digest()
		if err != nil {
			return nil, err
		}
		digests = append(digests, d.String())
	}
	return digests, nil
}

// CheckReference reports whether an image can be pushed to a reference: a repository with
// a tag.
func CheckReference(ref string, insecure bool) error {
	_, err := tag(ref, "oci", insecure)
	return err
}

// tag is the tag of a form: that of the reference, or, for compat, with -compat behind it.
func tag(ref, form string, insecure bool) (name.Tag, error) {
	options := []name.Option{name.StrictValidation}
	if insecure {
		options = append(options, name.Insecure)
	}
	t, err := name.NewTag(ref, options...)
	if err != nil {
		return t, fmt.Errorf("%q: want a repository with a tag, such as registry.example/rulegate:v1", ref)
	}
	if form != "oci" {
		t = t.Tag(t.TagStr() + "-" + form)
	}
	return t, nil
}

// Push pushes the image of a module in a form, with the credentials of Docker's
// configuration, and returns its reference by digest.
func Push(ctx context.Context, ref, form string, insecure bool, module []byte) (byDigest string, err error) {
	t, err := tag(ref, form, insecure)
	if err != nil {
		return "", err
	}
	img, err := Of(module, form)
	if err != nil {
		return "", err
	}
	if err := remote.Write(t, img, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return "", fmt.Errorf("%s: %w", t, err)
	}
	d, err := img.Digest()
	if err != nil {
		return "", err
	}
	return t.Digest(d.String()).String(), nil
}

// CheckPinned reports whether a reference names an image by its digest.
func CheckPinned(ref string) error {
	if _, err := name.NewDigest(ref, name.StrictValidation); err != nil {
		return fmt.Errorf("%q: want an image by its digest, as `rulegate image push` prints it: registry.example/rulegate@sha256:…", ref)
	}
	return nil
}
