package envoyconf

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// keySets replaces the JWK sets of files by their keys: the module reads no files.
func (w *walker) keySets(doc value.Value) value.Value {
	auth := doc.Key("auth")
	list := auth.Key("tokens")
	if list.Kind() != value.Array {
		return doc
	}
	var entries []value.Value
	for i, entry := range list.Elements() {
		set := entry.Key("jwks")
		if path, ok := set.Key("file").Text(); ok {
			place := rules.Join(rules.Join(rules.Elem("auth.tokens", i), "jwks"), "file")
			entry = entry.With("jwks", set.Without("file").With("keys", w.keySet(path, place)))
		}
		entries = append(entries, entry)
	}
	return doc.With("auth", auth.With("tokens", value.Arr(entries...)))
}

// keySet reads the keys of a file.
func (w *walker) keySet(path, place string) value.Value {
	if strings.Contains(path, "${") {
		w.fault(place, "want a path without ${…}")
		return value.Arr()
	}
	text, err := w.ReadFile(path)
	if err != nil {
		w.fault(place, err.Error())
		return value.Arr()
	}
	set, err := value.Parse(string(text), policy.MaxDepth)
	keys := set.Key("keys")
	if err != nil || keys.Kind() != value.Array || strings.Contains(set.String(), "${") {
		w.fault(place, "not a JWK set (RFC 7517, section 5)")
		return value.Arr()
	}
	for _, k := range keys.Elements() {
		if kty, _ := k.Key("kty").Text(); kty == "oct" && !w.Inline {
			w.fault(place, "has a secret, which would be in Envoy's configuration: use --inline-secrets")
		}
	}
	return keys
}
