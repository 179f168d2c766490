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
}

// Reads reports whether the request's token is looked at.
func (a Auth) Reads() bool { return a.mode != authNone }

// Optional reports whether a request without a token passes.
func (a Auth) Optional() bool { return a.mode != authRequired }

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
	a := &Auth{providers: []string{}}
	for i, name := range textsOf(v.Key("providers")) {
		if name != "" && !slices.Contains(l.providers, name) {
			l.unknownProvider(rules.Elem(rules.Join(place, "providers"), i), name)
		}
		a.providers = append(a.providers, name)
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
