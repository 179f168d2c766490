// Command release writes the files of a release to a new folder: static binaries, the
// module, images, SBOMs and checksums. The same source and the same Go give the same
// bytes.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const command = "github.com/rulegate/rulegate/host/cli/rulegate"

// release is a run of this command.
type release struct {
	root    string // of the repository
	out     string
	targets []target
}

type target struct{ os, arch string }

func (t target) file() string {
	name := "rulegate-" + t.os + "-" + t.arch
	if t.os == "windows" {
		name += ".exe"
	}
	return name
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("release: ")
	root := flag.String("root", "../..", "folder of the repository")
	out := flag.String("out", "../../dist", "folder to write, which must not exist")
	targets := flag.String("targets", "linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64", "systems and processors")
	flag.Parse()
	if err := run(*root, *out, strings.Fields(*targets)); err != nil {
		log.Fatal(err)
	}
}

func run(root, out string, targets []string) (err error) {
	r := release{}
	if r.root, err = filepath.Abs(root); err != nil {
		return err
	}
	if r.out, err = filepath.Abs(out); err != nil {
		return err
	}
	for _, t := range targets {
		system, arch, ok := strings.Cut(t, "/")
		if !ok {
			return fmt.Errorf("target %q: want SYSTEM/PROCESSOR, such as linux/amd64", t)
		}
		r.targets = append(r.targets, target{system, arch})
	}
	if err := os.Mkdir(r.out, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already: remove it", r.out)
		}
		return err
	}
	for _, step := range []func() error{r.binaries, r.module, r.images, r.sboms, r.checksums} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// path is a file of the release.
func (r *release) path(name string) string { return filepath.Join(r.out, name) }

// goCommand runs Go in the repository, with the machine's own flags for Go left out.
func (r *release) goCommand(env []string, args ...string) (string, error) {
	return r.runs(env, "go", args...)
}

func (r *release) runs(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = r.root
	cmd.Env = append(append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0"), env...)
	var failure strings.Builder
	cmd.Stderr = &failure
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, &failure)
	}
	return string(text), nil
}

// binaries builds the command for each target: static, without paths of this machine.
func (r *release) binaries() error {
	for _, t := range r.targets {
		env := []string{"CGO_ENABLED=0", "GOOS=" + t.os, "GOARCH=" + t.arch}
		if _, err := r.goCommand(env, "build", "-trimpath", "-ldflags=-s -w", "-o", r.path(t.file()), command); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) module() error {
	_, err := r.runs([]string{"WASM_OPT=yes"}, filepath.Join(r.root, ".ci/module"), r.path("rulegate.wasm"))
	return err
}

// checksums writes the sums of all files, as sha256sum reads them.
func (r *release) checksums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range entries {
		data, err := os.ReadFile(r.path(e.Name()))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		lines = append(lines, hex.EncodeToString(sum[:])+"  "+e.Name()+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return os.WriteFile(r.path("SHA256SUMS"), []byte(strings.Join(lines, "")), 0o644)
}
