package envoy

import (
	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/access"
	"go.yaml.in/yaml/v4"
)

// Kind is the kind of a Filter.
type Kind uint8

const (
	JWT Kind = iota + 1
	RBAC
)

// Filter is an HTTP filter that a control plane makes.
type Filter struct {
	Name string
	Kind Kind
	At   string            // file:line of its source
	Ats  map[string]string // of the policies in it
	Node *yaml.Node
	// Asks is a question about all requests that the filter denies.
	Asks string
	// Refuse says why the filter cannot be read: every request is denied.
	Refuse string
}

// Write writes the policy of filters into a draft.
func Write(d *importer.Draft, filters []Filter) error {
	r := &reader{}
	for _, f := range filters {
		switch {
		case f.Refuse != "":
			r.deny(f.Name, f.At, f.Refuse)
		case f.Kind == JWT:
			r.jwt(f.Name, f.At, f.Node)
		default:
			before := len(r.policy.Stages)
			r.rbac(f.Name, f.At, f.Node)
			for _, s := range r.policy.Stages[before:] {
				f.describe(s.Parts)
			}
		}
	}
	return r.policy.Write(d)
}

// describe gives the parts of a stage their places and questions.
func (f *Filter) describe(parts []access.Part) {
	for i := range parts {
		p := &parts[i]
		if at := f.Ats[p.Name]; at != "" {
			p.At = at
		}
		if f.Asks != "" {
			p.Asks, p.Reasons = true, append([]string{f.Asks}, p.Reasons...)
		}
	}
}
