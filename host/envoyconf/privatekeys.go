package envoyconf

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

// privateKeys replaces private keys by their public halves: the companion signs, and
// the module only verifies.
func (w *walker) privateKeys(doc value.Value) value.Value {
	auth := doc.Key("auth")
	list := auth.Key("tokens")
	if list.Kind() != value.Array || !strings.Contains(list.String(), "privateKey") {
		return doc
	}
	var entries []value.Value
	for i, entry := range list.Elements() {
		if text, ok := entry.Key("privateKey").Text(); ok {
			entry = entry.Without("privateKey")
			if entry.Key("publicKey").Kind() == value.Missing {
				public, err := w.publicHalf(text)
				if err != nil {
					w.fault(rules.Join(rules.Elem("auth.tokens", i), "privateKey"), err.Error())
				}
				entry = entry.With("publicKey", value.Str(public))
			}
		}
		entries = append(entries, entry)
	}
	return doc.With("auth", auth.With("tokens", value.Arr(entries...)))
}

// publicHalf returns the PEM of the public half of a private key, whose text may have
// references.
func (w *walker) publicHalf(text string) (string, error) {
	var b strings.Builder
	for _, p := range policy.Split(text) {
		switch p.Kind {
		case policy.Literal:
			b.WriteString(p.Text)
		case policy.Variable:
			found, ok := w.Getenv(p.Text)
			if !ok {
				return "", errors.New("the module gets the public half of the key, and the environment has no " + p.Text + ": set it, or add publicKey to the entry")
			}
			b.WriteString(found)
		case policy.FileText:
			data, err := w.ReadFile(p.Text)
			if err != nil {
				return "", err
			}
			b.Write(data)
		default:
			return "", errors.New("want ${NAME} or ${file:path}; $${ is a ${ that stays")
		}
	}
	private, err := gocrypto.ParsePrivate(b.String())
	if err != nil {
		return "", err
	}
	return private.Public().PEM(), nil
}
