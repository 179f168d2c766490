package keys

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	// MaxSet bounds the text of a fetched JWK set, in bytes.
	MaxSet = 256 << 10
	// maxSetKeys bounds the keys of a fetched JWK set.
	maxSetKeys = 100
	// maxDepth bounds the nesting of a JWK set.
	maxDepth = 64
)

// ParseSet reads a JWK set (RFC 7517 section 5) that is written in the policy.
// It skips keys that are not for verifying (`use`, `key_ops`); any other key
// that cannot be used is a fault.
func ParseSet(text string) ([]*Key, []Fault) {
	set, err := value.Parse(text, maxDepth)
	if err != nil {
		return nil, []Fault{{Message: "not JSON: " + err.Error()}}
	}
	list := set.Key("keys")
	if list.Kind() != value.Array {
		return nil, []Fault{{Field: "keys", Message: "want an array of keys"}}
	}
	var keys []*Key
	var faults []Fault
	for i, jwk := range list.Elements() {
		k, field, err := parseJWK(jwk)
		place := lightfmt.Sprintf("keys[%d]", i)
		if err != nil {
			if field != "" {
				place += "." + field
			}
			faults = append(faults, Fault{Field: place, Message: err.Error()})
			continue
		}
		if k == nil {
			continue
		}
		for _, other := range keys {
			if k.Kid != "" && other.Kid == k.Kid && other.overlaps(k) {
				faults = append(faults, Fault{Field: place + ".kid", Message: "another key of the set has this kid"})
				break
			}
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 && len(faults) == 0 {
		faults = append(faults, Fault{Field: "keys", Message: "no key in it that verifies tokens"})
	}
	return keys, faults
}

// ParseFetchedSet reads a JWK set that its issuer serves. It skips what cannot
// be used: issuers also publish keys for encryption and for algorithms that are
// not accepted here. With an alg, each key is for that algorithm alone. A
// Secret is skipped too: anybody can fetch it.
//
// Skipped says why, for each key that is skipped.
//
// Errors: the text is too large, not JSON, not a set, or has too many keys, or
// none that can be used. An error repeats no part of a key but its kid.
func ParseFetchedSet(text string, alg *Algorithm) (keys []*Key, skipped []string, err error) {
	if len(text) > MaxSet {
		return nil, nil, lightfmt.Errorf("more than %d bytes", MaxSet)
	}
	set, err := value.Parse(text, maxDepth)
	if err != nil {
		return nil, nil, lightfmt.Errorf("not JSON: %w", err)
	}
	list := set.Key("keys")
	if list.Kind() != value.Array {
		return nil, nil, errors.New("no array `keys` (RFC 7517, section 5)")
	}
	jwks := list.Elements()
	if len(jwks) > maxSetKeys {
		return nil, nil, lightfmt.Errorf("%d keys, at most %d are taken", len(jwks), maxSetKeys)
	}
	for i, jwk := range jwks {
		k, reason := parseFetched(jwk, alg)
		if k == nil {
			place := lightfmt.Sprintf("keys[%d]", i)
			if kid, ok := jwk.Key("kid").Text(); ok {
				place += " " + Quote(kid)
			}
			skipped = append(skipped, place+": "+reason)
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		err := lightfmt.Errorf("none of %d keys can be used", len(jwks))
		if len(skipped) > 0 {
			err = lightfmt.Errorf("%w: %s", err, strings.Join(skipped, "; "))
		}
		return nil, nil, err
	}
	return keys, skipped, nil
}

// parseFetched reads a key of a fetched set; it returns nil and the reason if the
// key cannot be used.
func parseFetched(jwk value.Value, alg *Algorithm) (k *Key, reason string) {
	k, field, err := parseJWK(jwk)
	switch {
	case err != nil && field != "":
		return nil, field + ": " + err.Error()
	case err != nil:
		return nil, err.Error()
	case k == nil:
		return nil, "use or key_ops: not for verifying"
	case k.Public.kind == kindSecret:
		return nil, "a secret, which anybody can fetch"
	case alg == nil:
		return k, ""
	case !k.Verifies(alg):
		return nil, "not for " + alg.Name
	}
	k.Alg = alg
	return k, ""
}
