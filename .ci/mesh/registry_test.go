package mesh

import (
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

func absolute(path string) (string, error) { return filepath.Abs(path) }

// digest is that of no image.
const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// pushed are the images of the module in a registry, by form: `rulegate image push` has
// pushed them.
var pushed = sync.OnceValues(func() (map[string]string, error) {
	listener, err := net.Listen("tcp", registryAt)
	if err != nil {
		return nil, err
	}
	go http.Serve(listener, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	out, err := output("", rulegate("image", "push", registryAt+"/rulegate:v1", "--insecure", "--module", command("rulegate.wasm"))...)
	if err != nil {
		return nil, err
	}
	images := map[string]string{}
	for line := range strings.Lines(out) {
		form, ref, _ := strings.Cut(strings.TrimSpace(line), "\t")
		images[form] = ref
	}
	return images, nil
})

// moduleImage returns the reference, by digest, of the module's image in a form.
func moduleImage(t *testing.T, form string) string {
	t.Helper()
	images, err := pushed()
	if err != nil {
		t.Fatal(err)
	}
	if images[form] == "" {
		t.Fatalf("no image of the form %s in %v", form, images)
	}
	return images[form]
}
