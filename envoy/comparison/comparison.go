// Package comparison has twelve policies, each written in five forms: a folder for each
// policy, a file for each form. Its test sends the same requests to all forms in Envoy,
// `make bench BENCHFLAGS='-works comparison'` measures them, and COMPARISON.md is made of
// the files, of what the test saw and of what the benchmark measured.
package comparison

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Form is a way to write a policy.
type Form struct {
	Name  string
	Title string
	File  string // in the folder of a policy
	Lang  string // of the file, for Markdown
	// Server is the name of the process that Envoy asks, and of its cluster; "" for none.
	Server string
}

// Kind is the argument with which the form's server starts.
func (f Form) Kind() string { return strings.TrimPrefix(f.Server, "comparison-") }

// The names of the forms.
const (
	Envoy     = "envoy"
	OPA       = "opa"
	Lua       = "lua"
	Authorino = "authorino"
	Rulegate  = "rulegate"
)

// Forms are in the order of the columns.
var Forms = []Form{
	{Envoy, "jwt_authn + rbac", "envoy.yaml", "yaml", ""},
	{OPA, "OPA", "opa.rego", "rego", "comparison-opa"},
	{Lua, "Lua", "filter.lua", "lua", ""},
	{Authorino, "Authorino's CEL", "authorino.yaml", "yaml", "comparison-cel"},
	{Rulegate, "rulegate", "rulegate.yaml", "yaml", ""},
}

// order is that of the page.
var order = []string{"role", "method", "owner", "tenant", "step-up", "api-key", "rate-limit", "amount", "fields", "forced", "mask", "follower"}

// JSONLua reads and writes JSON in Lua, which has no library for it.
//
//go:embed shared/json.lua
var JSONLua string

// Policy is one policy in its forms.
type Policy struct {
	Name  string            `yaml:"-"`
	Texts map[string]string `yaml:"-"` // by form; a form that cannot say the policy is missing
	// Filters are filters of Envoy that all forms but Envoy's have behind them; "" for none.
	Filters string `yaml:"-"`

	Title string
	Says  string
	Token *bool // false: the policy wants no token
	Data  bool  // each form asks a server for data
	// Cannot says, by form, why it cannot say the policy, and where that is documented.
	Cannot   map[string]Reason
	Requests []Request
}

// NameOf returns the name of the policy with a title.
func (c *Comparison) NameOf(title string) string {
	for _, p := range c.Policies {
		if p.Title == title {
			return p.Name
		}
	}
	return ""
}

// asks reports whether a form of the policy asks a server.
func (p *Policy) asks(f Form) bool {
	_, ok := p.Texts[f.Name]
	return ok && (f.Server != "" || p.Data)
}

// Reason says why a form cannot say a policy.
type Reason struct{ Why, Source string }

// Tokens reports whether the policy wants a token.
func (p *Policy) Tokens() bool { return p.Token == nil || *p.Token }

// Comparison has all policies and the parts that their forms share.
type Comparison struct {
	Policies []*Policy
	Shared   map[string]string // by file of the folder shared
}

// Load reads the folder of the comparison. Each form is there, or it is said why not.
func Load(dir string) (*Comparison, error) {
	c := &Comparison{Shared: map[string]string{}}
	for _, file := range []string{"envoy.yaml", "ext_authz.yaml", "opa.rego", "filter.lua", "json.lua", "authorino.yaml", "rulegate.yaml"} {
		text, err := os.ReadFile(filepath.Join(dir, "shared", file))
		if err != nil {
			return nil, err
		}
		c.Shared[file] = string(text)
	}
	for _, name := range order {
		p, err := load(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.Policies = append(c.Policies, p)
	}
	return c, nil
}

func load(dir string) (*Policy, error) {
	p := &Policy{Name: filepath.Base(dir), Texts: map[string]string{}}
	text, err := os.ReadFile(filepath.Join(dir, "requests.yaml"))
	if err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(p); err != nil {
		return nil, err
	}
	for _, f := range Forms {
		text, err := os.ReadFile(filepath.Join(dir, f.File))
		_, cannot := p.Cannot[f.Name]
		switch {
		case err == nil && cannot:
			return nil, fmt.Errorf("%s is there, and requests.yaml says that it cannot be", f.File)
		case err == nil:
			p.Texts[f.Name] = string(text)
		case !cannot:
			return nil, fmt.Errorf("requests.yaml does not say why there is no %s: %w", f.File, err)
		}
	}
	filters, err := os.ReadFile(filepath.Join(dir, "filters.yaml"))
	if err == nil {
		p.Filters = string(filters)
	} else if !os.IsNotExist(err) {
		return nil, err
	}
	return p, nil
}

// Lines counts the lines that are neither blank nor a comment.
func Lines(text string) (n int) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "--") || line == "---" {
			n++
		}
	}
	return n
}

// LinesOf counts the lines of a form of a policy, without the shared parts; 0 for a form
// that cannot say it.
func (p *Policy) LinesOf(form string) int {
	text, ok := p.Texts[form]
	if !ok {
		return 0
	}
	if form != Envoy {
		text += "\n" + p.Filters
	}
	return Lines(text)
}

// parts are the shared files that a form of a policy is written with.
func (p *Policy) parts(form string) (files []string) {
	switch form {
	case Envoy:
		if p.Tokens() {
			files = append(files, "envoy.yaml")
		}
	case Lua:
		if p.Tokens() {
			files = append(files, "envoy.yaml")
		}
		if strings.Contains(p.Texts[Lua], "parse(") {
			files = append(files, "json.lua")
		}
		files = append(files, "filter.lua")
	case OPA:
		files = append(files, "ext_authz.yaml", "opa.rego")
	case Authorino:
		files = append(files, "ext_authz.yaml")
		if !has(p.Texts[form], "authentication") {
			files = append(files, "authorino.yaml")
		}
	case Rulegate:
		if !has(p.Texts[form], "auth") {
			files = append(files, "rulegate.yaml")
		}
	}
	return files
}

// has reports whether a YAML document has a key at its top.
func has(text, key string) bool { return strings.Contains("\n"+text, "\n"+key+":") }
