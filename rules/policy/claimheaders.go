package policy

import (
	"errors"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// claimHeaders reads `auth.claimsToHeaders`.
func (l *loader) claimHeaders(v value.Value) {
	names := map[string]string{} // as written, by the folded name
	v.Each(func(name string, claim value.Value) bool {
		place := rules.Join("auth.claimsToHeaders", name)
		h := ClaimHeader{Header: strings.ToLower(name)}
		if err := checkClaimHeader(h.Header); err != nil {
			l.fault(place, "%v", err)
		}
		if other, ok := names[httpfield.Fold(name)]; ok {
			l.fault(place, "the same header as %q: servers read _ as -, and names without case", other)
		}
		names[httpfield.Fold(name)] = name
		path := textOf(claim, "")
		h.Path = strings.Split(path, ".")
		switch {
		case path == "": // schema.Check reports it
		case strings.HasPrefix(path, "args."):
			l.fault(place, "want the path of a claim, such as id")
		case slices.Contains(h.Path, ""):
			l.fault(place, "a path with an empty key")
		}
		l.p.ClaimHeaders = append(l.p.ClaimHeaders, h)
		return true
	})
}

// checkClaimHeader returns an error for a header that must not be set to a claim.
func checkClaimHeader(name string) error {
	if !httpfield.IsToken(name) {
		return errors.New("not the name of a header")
	}
	switch httpfield.Fold(name) {
	case "authorization", "cookie", "content-type", "content-encoding":
	default:
		if !httpfield.Protected(name) {
			return nil
		}
	}
	return errors.New("a header that a claim cannot be put into")
}
