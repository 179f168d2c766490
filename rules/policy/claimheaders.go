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
		if path := textOf(claim, ""); path != "" { // schema.Check reports it
			var err error
			if h.Path, err = claimPath(path); err != nil {
				l.fault(place, "%v", err)
			}
		}
		l.p.ClaimHeaders = append(l.p.ClaimHeaders, h)
		return true
	})
}

// claimPath reads the path of a claim: keys with points between them, or in
// brackets and quotes.
func claimPath(path string) ([]string, error) {
	if strings.HasPrefix(path, "args.") {
		return nil, errors.New("want the path of a claim, such as id")
	}
	if !strings.Contains(path, "[") {
		keys := strings.Split(path, ".")
		if slices.Contains(keys, "") {
			return nil, errors.New("a path with an empty key")
		}
		return keys, nil
	}
	text := "args.auth"
	if path[0] != '[' {
		text += "."
	}
	refs := rules.References(text+path, false)
	if len(refs) != 1 {
		return nil, errors.New("want a path such as realm.roles or ['https://example.com/roles']")
	}
	var keys []string
	for _, k := range refs[0].Keys[1:] {
		keys = append(keys, k.Name)
	}
	return keys, nil
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
