package image

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

var module = append(bytes.Clone(magic), "a module"...)

func read(t *testing.T, l v1.Layer, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// holds checks what the readers of Istio and Envoy Gateway look for in an image.
func holds(t *testing.T, img v1.Image, form string) {
	t.Helper()
	if form == "compat" { // validate knows no layers of other media types
		if err := validate.Image(img); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	switch form {
	case "oci":
		if len(layers) != 2 || m.Layers[0].MediaType != configLayer || m.Layers[1].MediaType != moduleLayer || !bytes.Equal(read(t, layers[1], nil), module) {
			t.Errorf("oci: %+v", m)
		}
	case "compat":
		files := tar.NewReader(bytes.NewReader(read(t, layers[0], nil)))
		h, err := files.Next()
		if err != nil || h.Name != "plugin.wasm" || len(layers) != 1 {
			t.Fatalf("compat: %+v, %v", h, err)
		}
		if data, err := io.ReadAll(files); err != nil || !bytes.Equal(data, module) {
			t.Errorf("compat: %q, %v", data, err)
		}
	}
	if c, err := img.ConfigFile(); err != nil || !c.Created.IsZero() {
		t.Errorf("%s: has a time: %v, %v", form, c, err)
	}
}

func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	push(t, strings.TrimPrefix(server.URL, "http://")+"/shop/rulegate:v1")
}

// A real registry, such as one of `docker run registry:2`, if the tester has one:
// RULEGATE_TEST_REGISTRY=localhost:5000.
func TestPushToARegistry(t *testing.T) {
	host := os.Getenv("RULEGATE_TEST_REGISTRY")
	if host == "" {
		t.Skip("no registry: RULEGATE_TEST_REGISTRY is not set")
	}
	push(t, host+"/rulegate-test:v1")
}

func push(t *testing.T, ref string) {
	digests, err := Write(filepath.Join(t.TempDir(), "layout"), module, Forms)
	if err != nil {
		t.Fatal(err)
	}
	for i, form := range Forms {
		for range 2 { // what is there already is no error
			pinned, err := Push(t.Context(), ref, form, false, module)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(pinned, "@"+digests[i]) || CheckPinned(pinned) != nil {
				t.Errorf("%s: pushed %s, built %s", form, pinned, digests[i])
			}
			at, err := name.NewDigest(pinned)
			if err != nil {
				t.Fatal(err)
			}
			img, err := remote.Image(at)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, img, form)
		}
	}
	tagged, err := tag(ref, "compat", false)
	if err != nil || !strings.HasSuffix(tagged.String(), ":v1-compat") {
		t.Errorf("%s, %v", tagged, err)
	}
	if d, err := remote.Head(tagged); err != nil || d.Digest.String() != digests[1] {
		t.Errorf("the tag of compat: %+v, %v", d, err)
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "layout")
	digests, err := Write(dir, module, Forms)
	if err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for i, form := range Forms {
		d := m.Manifests[i]
		if d.Digest.String() != digests[i] || d.Annotations["org.opencontainers.image.ref.name"] != form {
			t.Errorf("%+v", d)
		}
		img, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, img, form)
	}
	if _, err := Write(dir, module, Forms); err == nil {
		t.Error("a folder that is there was written over")
	}
}

func TestRefuses(t *testing.T) {
	if _, err := Of([]byte("#!/bin/sh"), "oci"); err == nil {
		t.Error("a script is a module")
	}
	if _, err := Of(module, "tar"); err == nil {
		t.Error("a form that is none")
	}
	for ref, ok := range map[string]bool{"registry.example/rulegate:v1": true, "localhost:5000/a/b:v1": true, "registry.example/rulegate": false, "rulegate@sha256:x": false, "": false, "registry.example/Rulegate:v1": false} {
		if err := CheckReference(ref, false); (err == nil) != ok {
			t.Errorf("%s: %v", ref, err)
		}
	}
	for ref, ok := range map[string]bool{"registry.example/rulegate:v1": false, "registry.example/rulegate@sha256:" + strings.Repeat("a", 64): true, "registry.example/rulegate@sha256:aa": false} {
		if err := CheckPinned(ref); (err == nil) != ok {
			t.Errorf("%s: %v", ref, err)
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	if _, err := Push(t.Context(), strings.TrimPrefix(closed.URL, "http://")+"/a:v1", "oci", false, module); err == nil {
		t.Error("pushed to a registry that is not there")
	}
}
