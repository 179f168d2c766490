package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// `go install …/host/cli/rulegate` gives a command that is called rulegate.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	install := exec.Command("go", "install", "github.com/rulegate/rulegate/host/cli/rulegate")
	install.Env = append(os.Environ(), "GOBIN="+dir)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(filepath.Join(dir, "rulegate"), "version").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
