package main

import (
	"os"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sboms writes the Go modules in the command, of all targets together, and those in the
// wasm module, as CycloneDX: without a time and a serial number, which would differ in
// each run.
func (r *release) sboms() error {
	seen := map[string]bool{}
	for _, t := range r.targets {
		if err := r.modules(seen, command, "GOOS="+t.os, "GOARCH="+t.arch, "CGO_ENABLED=0"); err != nil {
			return err
		}
	}
	if err := r.sbom("rulegate", seen); err != nil {
		return err
	}
	seen = map[string]bool{}
	if err := r.modules(seen, "github.com/rulegate/rulegate/plugin", "GOOS=wasip1", "GOARCH=wasm"); err != nil {
		return err
	}
	return r.sbom("rulegate.wasm", seen)
}

// modules adds the modules, "PATH VERSION", whose packages a program is linked with.
func (r *release) modules(seen map[string]bool, program string, env ...string) error {
	text, err := r.goCommand(env, "list", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}`, program)
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			seen[line] = true
		}
	}
	return err
}

func (r *release) sbom(program string, modules map[string]bool) error {
	version, err := r.goCommand(nil, "env", "GOVERSION")
	if err != nil {
		return err
	}
	modules["std "+strings.TrimPrefix(strings.TrimSpace(version), "go")] = true
	var names []string
	for m := range modules {
		names = append(names, m)
	}
	slices.Sort(names)
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{Type: cdx.ComponentTypeApplication, BOMRef: program, Name: program}}
	var components []cdx.Component
	var refs []string
	for _, m := range names {
		path, version, _ := strings.Cut(m, " ")
		purl := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
		components = append(components, cdx.Component{Type: cdx.ComponentTypeLibrary, BOMRef: purl, Name: path, Version: version, PackageURL: purl})
		refs = append(refs, purl)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: program, Dependencies: &refs}}
	out, err := os.Create(r.path(program + ".cdx.json"))
	if err != nil {
		return err
	}
	err = cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}
