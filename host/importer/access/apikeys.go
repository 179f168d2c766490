package access

import (
	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

// APIKeys are the keys of clients.
type APIKeys struct {
	Headers      []string   // that a key comes in
	Keys         *yaml.Node // as in `apiKeys` of the policy
	Claim        string     // with the client's name
	ClientHeader string     // gets the client's name; "": none does
	Remove       bool       // the upstream does not get the key
}

// auth adds the keys to the section `auth`.
func (k *APIKeys) auth(d *importer.Draft) {
	if len(k.Headers) == 0 {
		return
	}
	auth := importer.Section(d.Policy, "auth")
	tokens := importer.Get(auth, "tokens")
	if tokens == nil {
		tokens = importer.List()
		importer.Set(auth, "tokens", tokens)
	}
	for _, h := range k.Headers {
		tokens.Content = append(tokens.Content, importer.Object(importer.Text("name"), importer.Text("keys in "+h),
			importer.Text("apiKeys"), importer.Object(importer.Text("header"), importer.Text(h), importer.Text("keys"), clone(k.Keys))))
	}
	if k.ClientHeader != "" {
		importer.Set(importer.Section(auth, "claimsToHeaders"), k.ClientHeader, importer.Text(k.Claim))
	}
	if k.Remove {
		importer.Set(auth, "forward", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"})
	}
}
