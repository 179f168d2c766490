package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMeshManifests: the API server takes the golden manifests of `rulegate gateway` and
// `rulegate istio`, by types, fields, and the rules of the custom resources.
func TestMeshManifests(t *testing.T) {
	const dir = "../../host/envoyconf/testdata/"
	files, err := filepath.Glob(dir + "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, file := range files {
		name := filepath.Base(file)
		if !strings.HasPrefix(name, "gateway") && !strings.HasPrefix(name, "istio") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for n := range resources(t, string(text)) {
				kinds[n[:strings.IndexByte(n, '/')]]++
			}
		})
	}
	for _, kind := range []string{"EnvoyExtensionPolicy", "EnvoyPatchPolicy", "ClientTrafficPolicy", "SecurityPolicy", "EnvoyProxy", "EnvoyFilter"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s was validated", kind)
		}
	}
}
