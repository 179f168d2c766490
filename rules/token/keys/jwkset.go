package keys

import (
	"errors"
	"fmt"

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
		place := fmt.Sprintf("keys[%d]", i)
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
// Errors: the text is too large, not JSON, not a set, or has too many keys, or
// none that can be used. No error repeats the text.
func ParseFetchedSet(text string, alg *Algorithm) (keys []*Key, skipped int, err error) {
	if len(text) > MaxSet {
		return nil, 0, fmt.Errorf("more than %d bytes", MaxSet)
	}
	set, err := value.Parse(text, maxDepth)
	if err != nil {
		return nil, 0, fmt.Errorf("not JSON: %w", err)
	}
	list := set.Key("keys")
	if list.Kind() != value.Array {
		return nil, 0, errors.New("no array `keys` (RFC 7517, section 5)")
	}
	jwks := list.Elements()
	if len(jwks) > maxSetKeys {
		return nil, 0, fmt.Errorf("%d keys, at most %d are taken", len(jwks), maxSetKeys)
	}
	for _, jwk := range jwks {
		k, _, err := parseJWK(jwk)
		if err != nil || k == nil || k.isSecret() || alg != nil && !k.Verifies(alg) {
			skipped++
			continue
		}
		if alg != nil {
			k.Alg = alg
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, 0, fmt.Errorf("none of %d keys can be used", len(jwks))
	}
	return keys, skipped, nil
}

func (k *Key) isSecret() bool {
	_, ok := k.Public.(Secret)
	return ok
}
