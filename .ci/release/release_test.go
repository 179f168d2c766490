package main

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestRelease makes a release for one target in two folders: the bytes are the same.
// `make release` makes it for all, by the same code.
func TestRelease(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		root := filepath.Join(dir, "source")
		copySource(t, root)
		if err := run(root, filepath.Join(dir, "dist"), []string{"linux/amd64"}); err != nil {
			t.Fatal(err)
		}
	}
	files := read(t, filepath.Join(first, "dist"))
	again := read(t, filepath.Join(second, "dist"))
	for _, name := range []string{"SHA256SUMS", "rulegate-linux-amd64", "rulegate.wasm", "rulegate.cdx.json", "rulegate.wasm.cdx.json", "rulegate-image.tar", "rulegate-module-image.tar"} {
		if len(files[name]) == 0 {
			t.Fatalf("no file %s", name)
		}
	}
	for name, data := range files {
		if !bytes.Equal(data, again[name]) {
			t.Errorf("%s differs in the second run", name)
		}
	}
	dist := filepath.Join(first, "dist")
	sums := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	sums.Dir = dist
	if out, err := sums.CombinedOutput(); err != nil || bytes.Count(out, []byte("OK")) != len(files)-1 {
		t.Errorf("checksums: %v\n%s", err, out)
	}
	binary := filepath.Join(dist, "rulegate-linux-amd64")
	if out, err := exec.Command(binary, "version").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	checkStatic(t, binary)
	checkSBOM(t, files["rulegate.cdx.json"], "github.com/spf13/cobra", true)
	checkSBOM(t, files["rulegate.wasm.cdx.json"], "github.com/spf13/cobra", false)
	checkSBOM(t, files["rulegate.wasm.cdx.json"], "github.com/tidwall/gjson", true)
	checkImage(t, filepath.Join(dist, "rulegate-image.tar"), files["rulegate-linux-amd64"])
	if err := run(filepath.Join(first, "source"), dist, nil); err == nil {
		t.Error("a folder that is there was written over")
	}
}

// copySource copies the files of the repository, without .git.
func copySource(t *testing.T, to string) {
	t.Helper()
	script := `mkdir -p "$1" && cd ../.. && git ls-files -z --cached --others --exclude-standard | tar --null -cf - --ignore-failed-read -T - | tar -xf - -C "$1"`
	if out, err := exec.Command("bash", "-euo", "pipefail", "-c", script, "copy", to).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func checkStatic(t *testing.T, binary string) {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("%s: is not static", binary)
		}
	}
}

func checkSBOM(t *testing.T, text []byte, module string, there bool) {
	t.Helper()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range *bom.Components {
		if c.Name == module {
			found = true
		}
		if c.Version == "" || !strings.HasPrefix(c.PackageURL, "pkg:golang/"+c.Name+"@") {
			t.Errorf("component %+v", c)
		}
	}
	if found != there || bom.SerialNumber != "" || bom.Metadata.Timestamp != "" {
		t.Errorf("%s: in the SBOM is %v, want %v", module, found, there)
	}
}

// The Dockerfile describes the image that the release has.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("../../envoy/deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"FROM scratch\n", "COPY rulegate-linux-${TARGETARCH} /rulegate\n", "USER 65532:65532\n", "ENTRYPOINT [\"/rulegate\"]\n"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("no line %q", line)
		}
	}
}

// checkImage checks that the image holds the binary alone, for a user without rights.
func checkImage(t *testing.T, file string, binary []byte) {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xf", file, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	index, err := root.ImageIndex(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = index.IndexManifest(); err != nil || len(m.Manifests) != 1 || m.Manifests[0].Platform.String() != "linux/amd64" {
		t.Fatalf("%+v, %v", m, err)
	}
	img, err := index.Image(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	c, err := img.ConfigFile()
	if err != nil || c.Config.User != "65532:65532" || len(c.Config.Entrypoint) != 1 || !c.Created.IsZero() {
		text, _ := json.Marshal(c)
		t.Errorf("%s, %v", text, err)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	list := exec.Command("tar", "-xOf", "-", "rulegate")
	list.Stdin = content
	if out, err := list.Output(); err != nil || !bytes.Equal(out, binary) {
		t.Errorf("the image has another binary: %v", err)
	}
}
