package trace

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// PolicyMask returns the mask of a policy: its `sensitive`, the places of its tokens,
// and headers that are set to a sensitive claim. Secrets are texts of the policy that
// nobody is shown, with the text that is shown instead.
func PolicyMask(p *policy.Policy, secrets map[string]string) *Mask {
	m := NewMask()
	for _, path := range p.Sensitive {
		m.AddPath(path...)
	}
	for _, src := range p.Sources {
		switch {
		case src.Header != "":
			m.AddPath(rules.RootRequest, "headers", src.Header)
		case src.Query != "":
			m.AddPath(rules.RootRequest, "query", src.Query)
		}
	}
	for _, h := range p.ClaimHeaders {
		if len(m.at(names(append([]string{rules.RootAuth}, h.Path...)))) > 0 {
			m.AddPath(rules.RootRequest, "headers", h.Header)
		}
	}
	for text, by := range secrets {
		m.AddText(text, by)
	}
	return m
}
