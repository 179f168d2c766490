package istio

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/policyfile"
)

func drafts(t *testing.T, text string) []*importer.Draft {
	t.Helper()
	doc, err := policyfile.ParseDocuments("istio.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	out, err := Import([]*policyfile.Documents{doc})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, d := range out {
		if _, err := d.Settle(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func policyOf(spec string) string {
	return "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: shop}\nspec: " + spec + "\n---\n"
}

// TestTargets: each set of workloads gets the policies that are for all of them.
func TestTargets(t *testing.T) {
	text := ""
	for _, s := range []string{
		`{selector: {matchLabels: {app: web}}, rules: [{to: [{operation: {paths: [/web]}}]}]}`,
		`{selector: {matchLabels: {app: web, v: "2"}}, rules: [{to: [{operation: {paths: [/web-two]}}]}]}`,
		`{action: DENY, rules: [{to: [{operation: {paths: [/shop]}}]}]}`,
		`{targetRefs: [{kind: Gateway, name: public}, {kind: Gateway, name: private}], rules: [{to: [{operation: {paths: [/gateway]}}]}]}`,
	} {
		text += policyOf(s)
	}
	text += strings.Replace(policyOf(`{action: DENY, rules: [{to: [{operation: {paths: [/mesh]}}]}]}`), "namespace: shop", "namespace: istio-system", 1)
	want := map[string]string{
		"shop app=web": "/web /shop /mesh", "shop app=web,v=2": "/web /web-two /shop /mesh", "shop": "/shop /mesh",
		"shop Gateway/public": "/gateway /shop /mesh", "shop Gateway/private": "/gateway /shop /mesh", "mesh": "/mesh",
	}
	for _, d := range drafts(t, text) {
		policy, _ := d.Render()
		for _, path := range []string{"/web", "/web-two", "/shop", "/gateway", "/mesh"} {
			has := strings.Contains(string(policy), "f2: "+path+",") || strings.Contains(string(policy), "f2: "+path+"}") || strings.Contains(string(policy), "f2: "+path+"\n")
			if wanted := strings.Contains(" "+want[d.Name]+" ", " "+path+" "); has != wanted {
				t.Errorf("%s: %s: %v\n%s", d.Name, path, has, policy)
			}
		}
		delete(want, d.Name)
	}
	if len(want) > 0 {
		t.Errorf("no draft for %v", want)
	}
}

// TestUnknownDenies: a part that the importer does not know denies.
func TestUnknownDenies(t *testing.T) {
	for name, c := range map[string]struct {
		spec string
		asks bool
	}{
		"known":                 {`{rules: [{to: [{operation: {paths: [/a]}}]}]}`, false},
		"no rules":              {`{}`, false},
		"a dry run of nothing":  {`{action: AUDIT, rules: [{}]}`, false},
		"an external service":   {`{action: CUSTOM, provider: {name: x}, rules: [{to: [{operation: {paths: [/a]}}]}]}`, true},
		"an action":             {`{action: FRESH, rules: [{to: [{operation: {paths: [/a]}}]}]}`, true},
		"a key of when":         {`{rules: [{when: [{key: fresh, values: [a]}]}]}`, true},
		"a key of when, denied": {`{action: DENY, rules: [{when: [{key: fresh, values: [a]}]}]}`, true},
		"SNI":                   {`{rules: [{when: [{key: connection.sni, values: [a]}]}]}`, true},
		"a field of operation":  {`{rules: [{to: [{operation: {paths: [/a], fresh: [b]}}]}]}`, true},
		"a field of source":     {`{action: DENY, rules: [{from: [{source: {fresh: [b]}}]}]}`, true},
		"a field of a rule":     {`{rules: [{fresh: [{}]}]}`, true},
		"a field of the spec":   {`{fresh: 1, rules: [{}]}`, true},
		"a port":                {`{rules: [{to: [{operation: {ports: ["80"]}}]}]}`, true},
		"a denied principal":    {`{action: DENY, rules: [{from: [{source: {principals: [a]}}]}]}`, true},
		"an address":            {`{rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}`, true},
		"the client's address":  {`{rules: [{from: [{source: {remoteIpBlocks: [10.0.0.0/8]}}]}]}`, false},
	} {
		d := drafts(t, policyOf(c.spec))[0]
		policy, _ := d.Render()
		if asks := d.Report.Count(importer.ToDecide) > 0; asks != c.asks || strings.Contains(string(policy), "# TODO: ") != c.asks {
			t.Errorf("%s: asks %v\n%s", name, asks, policy)
		}
	}
}

// FuzzImport: whatever a file holds, an import ends without a panic, in drafts that
// load or in an error.
func FuzzImport(f *testing.F) {
	f.Add(policyOf(`{rules: [{from: [{source: {requestPrincipals: ["*"], notNamespaces: ["a*"]}}], to: [{operation: {hosts: ["*"], paths: ["/{*}/a"]}}], when: [{key: "request.auth.claims[a][b]", notValues: ["*"]}]}]}`))
	f.Add("apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: a}\nspec: {jwtRules: [{issuer: a, jwksUri: 'http://x'}, {issuer: a, jwks: '{\"keys\":[]}'}]}")
	f.Add("kind: List\nitems: [1, {}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			t.Skip("long texts take time and show nothing new")
		}
		file, err := policyfile.ParseDocuments("istio.yaml", []byte(text))
		if err != nil {
			return
		}
		list, err := Import([]*policyfile.Documents{file})
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
