package envoygateway

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/policyfile"
)

func drafts(text string) ([]*importer.Draft, error) {
	doc, err := policyfile.ParseDocuments("gateway.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	return Import([]*policyfile.Documents{doc})
}

func policyOf(spec string) string {
	return "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {name: p, namespace: shop}\nspec: " + spec + "\n"
}

const secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData: {one: key-of-one}\n"

// TestUnknownDenies: a part that the importer does not know denies.
func TestUnknownDenies(t *testing.T) {
	for name, c := range map[string]struct {
		spec string
		asks bool
	}{
		"known":                 {`{authorization: {defaultAction: Deny, rules: [{action: Allow, operation: {methods: [GET]}}]}}`, false},
		"a field of the spec":   {`{fresh: 1, authorization: {defaultAction: Allow}}`, true},
		"basic auth":            {`{basicAuth: {users: {name: a}}}`, true},
		"an external service":   {`{extAuth: {http: {}}}`, true},
		"a merged policy":       {`{mergeType: StrategicMerge, authorization: {defaultAction: Allow}}`, true},
		"CEL":                   {`{authorization: {rules: [{action: Allow, cel: "true"}]}}`, true},
		"CEL that denies":       {`{authorization: {defaultAction: Allow, rules: [{action: Deny, cel: "true"}]}}`, true},
		"an action":             {`{authorization: {defaultAction: Allow, rules: [{action: Fresh, operation: {methods: [GET]}}]}}`, true},
		"a rule for all":        {`{authorization: {rules: [{action: Allow}]}}`, true},
		"a pattern for a path":  {`{authorization: {rules: [{action: Allow, operation: {path: {type: RegularExpression, value: /a}}}]}}`, true},
		"a certificate":         {`{authorization: {rules: [{action: Allow, principal: {clientCert: {subject: {value: a}}}}]}}`, true},
		"a provider that is no": {`{authorization: {rules: [{action: Allow, principal: {jwt: {provider: a, scopes: [b]}}}]}}`, true},
		"keys":                  {`{apiKeyAuth: {credentialRefs: [{name: s}], extractFrom: [{headers: [x-key]}]}}`, false},
		"keys in the query":     {`{apiKeyAuth: {credentialRefs: [{name: s}], extractFrom: [{params: [key]}]}}`, true},
		"keys that are no":      {`{apiKeyAuth: {credentialRefs: [{name: other}], extractFrom: [{headers: [x-key]}]}}`, true},
		"a field of the keys":   {`{apiKeyAuth: {fresh: 1, credentialRefs: [{name: s}], extractFrom: [{headers: [x-key]}]}}`, true},
		"keys of the cluster":   {`{jwt: {providers: [{name: a, issuer: i, localJWKS: {type: ValueRef, valueRef: {name: x}}}]}}`, true},
		"a field of a provider": {`{jwt: {providers: [{name: a, issuer: i, fresh: 1, remoteJWKS: {uri: "https://i/keys"}}]}}`, true},
		"a provider":            {`{jwt: {providers: [{name: a, issuer: i, remoteJWKS: {uri: "https://i/keys"}}]}}`, false},
	} {
		list, err := drafts(policyOf(c.spec) + secret)
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %d drafts, %v", name, len(list), err)
		}
		d := list[0]
		if _, err := d.Settle(); err != nil {
			t.Fatal(err)
		}
		policy, _ := d.Render()
		if asks := d.Report.Count(importer.ToDecide) > 0; asks != c.asks || strings.Contains(string(policy), "# TODO: ") != c.asks {
			t.Errorf("%s: asks %v\n%s", name, asks, policy)
		}
		if strings.Contains(string(policy), "key-of-one") {
			t.Errorf("%s: the policy has a key\n%s", name, policy)
		}
	}
}

// FuzzImport: whatever a file holds, an import ends without a panic, in drafts that
// load or in an error.
func FuzzImport(f *testing.F) {
	f.Add(policyOf(`{apiKeyAuth: {credentialRefs: [{name: s}], extractFrom: [{headers: [x-key]}]}, cors: {allowOrigins: ["*"], maxAge: x}}`) + secret)
	f.Add(policyOf(`{jwt: {optional: true, providers: [{name: "a'b", issuer: i, remoteJWKS: {uri: x}}]}, authorization: {rules: [{action: Deny, principal: {jwt: {provider: "a'b", claims: [{name: "a..b", values: ["args.x"]}]}}}]}}`))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			t.Skip("long texts take time and show nothing new")
		}
		list, err := drafts(text)
		if err != nil {
			return
		}
		for _, d := range list {
			if _, err := d.Settle(); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
		}
	})
}
