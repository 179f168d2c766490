package policy

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/spelling"
	"github.com/rulegate/rulegate/rules/value"
)

type authMode uint8

const (
	authRequired authMode = iota
	authOptional
	authNone
)

// Auth says which token a resource needs. The zero Auth needs a valid one of any
// provider.
type Auth struct {
	mode      authMode
	providers []string // nil: any
	// ignoreInvalid, with authOptional, takes a token that is not valid for none.
	ignoreInvalid bool
	bound         bool
}

// Reads reports whether the request's token is looked at.
func (a Auth) Reads() bool { return a.mode != authNone }

// Optional reports whether a request without a token passes.
func (a Auth) Optional() bool { return a.mode != authRequired }

// IgnoresInvalid reports whether a request with a token that is not valid passes
// like one without a token.
func (a Auth) IgnoresInvalid() bool { return a.Optional() && a.ignoreInvalid }

// Bound reports whether a token has to be bound to the client's certificate.
func (a Auth) Bound() bool { return a.bound }

// Providers lists the providers whose tokens are accepted; nil: those of any.
func (a Auth) Providers() []string { return a.providers }

// Accepts reports whether a token that a key of the provider verified is
// accepted.
func (a Auth) Accepts(provider string) bool {
	return a.providers == nil || slices.Contains(a.providers, provider)
}

// auth reads `auth` of a resource, nil when there is none.
func (l *loader) auth(v value.Value, place string) *Auth {
	switch v.Kind() {
	case value.Missing:
		return nil
	case value.String:
		switch mode, _ := v.Text(); mode {
		case "optional":
			return &Auth{mode: authOptional}
		case "none":
			return &Auth{mode: authNone}
		}
		return &Auth{}
	}
	a := &Auth{providers: []string{}, bound: v.Key("bound").Kind() == value.String}
	for i, name := range textsOf(v.Key("providers")) {
		if name != "" && !slices.Contains(l.providers, name) {
			l.unknownProvider(rules.Elem(rules.Join(place, "providers"), i), name)
		}
		a.providers = append(a.providers, name)
	}
	if v.Key("optional").IsTrue() {
		a.mode = authOptional
	}
	switch {
	case v.Kind() != value.Object || v.Key("providers").Kind() != value.Missing: // schema.Check reports the first
	case a.mode == authOptional || a.bound:
		a.providers = nil
	default:
		l.fault(rules.Join(place, "providers"), "missing; want list")
	}
	if invalid, _ := v.Key("invalid").Text(); invalid == "ignore" {
		a.ignoreInvalid = true
		if a.mode != authOptional {
			l.fault(rules.Join(place, "invalid"), "ignore is for `optional: true`: a token that is needed has to be valid")
		}
	}
	return a
}

func (l *loader) unknownProvider(place, name string) {
	switch near := spelling.Nearest(name, l.providers); {
	case near != "":
		l.fault(place, "no entry of auth.tokens has this name; did you mean %s?", near)
	case len(l.providers) == 0:
		l.fault(place, "no entry of auth.tokens has a name")
	default:
		l.fault(place, "no entry of auth.tokens has this name; want one of %s", strings.Join(l.providers, ", "))
	}
}

// Equal reports whether two resources accept the same tokens.
func (a Auth) Equal(b Auth) bool {
	return a.mode == b.mode && a.ignoreInvalid == b.ignoreInvalid && a.bound == b.bound &&
		(a.providers == nil) == (b.providers == nil) && slices.Equal(a.providers, b.providers)
}
