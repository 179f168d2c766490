package envoygateway

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/access"
	"github.com/rulegate/rulegate/rules/httpfield"
	"go.yaml.in/yaml/v4"
)

// clientClaim is the claim with the name of the client that an API key belongs to.
const clientClaim = "client"

// apiKeys reads apiKeyAuth: its keys become entries of auth.tokens, by their hashes.
func (p *securityPolicy) apiKeys(d *importer.Draft) {
	n := importer.Get(p.spec, "apiKeyAuth")
	if n == nil {
		return
	}
	list, why := p.credentials(n)
	headers, strict := keyHeaders(n)
	if why == "" && len(headers) == 0 {
		why = "the keys come in no header"
	}
	if o := other(n, "credentialRefs", "extractFrom", "forwardClientIDHeader", "sanitize"); o != "" {
		why = "apiKeyAuth has " + o + ", which is not read"
	}
	if why != "" {
		p.stage("apiKeyAuth", 401, p.unknown(why))
		return
	}
	p.policy.APIKeys = access.APIKeys{Headers: headers, Keys: list, ClientHeader: strings.ToLower(importer.TextOf(n, "forwardClientIDHeader")), Claim: clientClaim, Remove: importer.IsTrue(n, "sanitize")}
	if strict != "" {
		p.reasons = append(p.reasons, strict)
	}
	p.stage("apiKeyAuth", 401, access.Cond{Under: access.And(access.Exists("args.auth"), access.Not(access.Exists("args.token"))), Over: access.Always})
}

// keyHeaders returns the headers that the keys come in, and why some requests of the
// original are refused here.
func keyHeaders(n *yaml.Node) (headers []string, strict string) {
	for _, e := range importer.Entries(importer.Get(n, "extractFrom")) {
		for _, h := range importer.Texts(importer.Get(e.Value, "headers")) {
			if h = strings.ToLower(h); h == "authorization" || !httpfield.IsToken(h) {
				strict = "keys in the header " + h + " are not taken"
				continue
			}
			headers = append(headers, h)
		}
		for _, place := range []string{"params", "cookies"} {
			if len(importer.Texts(importer.Get(e.Value, place))) > 0 {
				strict = "keys in " + place + " are not taken"
			}
		}
	}
	return headers, strict
}

// credentials reads the Secrets: the name of a client, and its key.
func (p *securityPolicy) credentials(n *yaml.Node) (list *yaml.Node, why string) {
	list = importer.List()
	for _, e := range importer.Entries(importer.Get(n, "credentialRefs")) {
		namespace := importer.TextOf(e.Value, "namespace")
		if namespace == "" {
			namespace = p.namespace
		}
		name := namespace + "/" + importer.TextOf(e.Value, "name")
		secret := p.secrets[name]
		if secret == nil {
			return nil, "the Secret " + name + " is not among the files"
		}
		for _, key := range importer.Entries(importer.Get(secret, "stringData")) {
			list.Content = append(list.Content, entry(key.Key, key.Value.Value))
		}
		for _, key := range importer.Entries(importer.Get(secret, "data")) {
			text, err := base64.StdEncoding.DecodeString(key.Value.Value)
			if err != nil {
				return nil, "the Secret " + name + " is not in base64"
			}
			list.Content = append(list.Content, entry(key.Key, string(text)))
		}
	}
	if len(list.Content) == 0 {
		return nil, "there are no keys"
	}
	return list, ""
}

func entry(client, key string) *yaml.Node {
	sum := sha256.Sum256([]byte(key))
	return importer.Object(importer.Text("sha256"), importer.Text(hex.EncodeToString(sum[:])),
		importer.Text("claims"), importer.Object(importer.Text(clientClaim), importer.Text(client)))
}
