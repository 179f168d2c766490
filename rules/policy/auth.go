package policy

import "slices"

type authMode uint8

const (
	authRequired authMode = iota
	authOptional
	authNone
)

// Auth is what a resource wants of a token. The zero Auth needs a valid one.
type Auth struct {
	mode      authMode
	providers []string // nil: any
}

// Reads says whether a token is looked at.
func (a Auth) Reads() bool { return a.mode != authNone }

// Optional says whether a request without a token passes.
func (a Auth) Optional() bool { return a.mode != authRequired }

// Accepts says whether a token that the provider's key verified is taken.
func (a Auth) Accepts(provider string) bool {
	return a.providers == nil || slices.Contains(a.providers, provider)
}
