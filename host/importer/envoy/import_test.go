package envoy

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/policyfile"
)

const filters = `http_filters:
- name: jwt
  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication, JWT}
- name: rbac
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
    rules: RULES
`

func draft(t *testing.T, text string) *importer.Draft {
	t.Helper()
	doc, err := policyfile.ParseDocuments("envoy.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	drafts, err := Import([]*policyfile.Documents{doc})
	if err != nil || len(drafts) != 1 {
		t.Fatalf("%d drafts, %v\n%s", len(drafts), err, text)
	}
	if _, err := drafts[0].Settle(); err != nil {
		t.Fatal(err)
	}
	return drafts[0]
}

// TestUnknownDenies: a part that the importer does not know denies. Each text has a twin
// without it, whose rule does not deny each request.
func TestUnknownDenies(t *testing.T) {
	const jwks = `{inline_string: '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"}]}'}`
	for name, c := range map[string]struct{ jwt, rules, twin string }{
		"a condition":          {"{}", "{policies: {a: {permissions: [{any: true}], principals: [{any: true}], condition: {x: 1}}}}", ", condition: {x: 1}"},
		"a field of a policy":  {"{}", "{policies: {a: {permissions: [{any: true}], principals: [{any: true}], fresh: {x: 1}}}}", ", fresh: {x: 1}"},
		"a field of the rules": {"{}", "{policies: {a: {permissions: [{any: true}], principals: [{any: true}]}}, fresh: 1}", ", fresh: 1"},
		"a permission":         {"{}", "{policies: {a: {permissions: [{and_rules: {rules: [{any: true}, {requested_server_name: {exact: a}}]}}], principals: [{any: true}]}}}", ", {requested_server_name: {exact: a}}"},
		"two fields":           {"{}", "{policies: {a: {permissions: [{any: true, fresh: 1}], principals: [{any: true}]}}}", ", fresh: 1"},
		"a deny of a peer":     {"{}", "{action: DENY, policies: {a: {permissions: [{any: true}], principals: [{and_ids: {ids: [{authenticated: {principal_name: {exact: a}}}]}}]}}}", "authenticated: {principal_name: {exact: a}}|header: {name: x, string_match: {exact: a}}"},
		"a deny by a regex":    {"{}", `{action: DENY, policies: {a: {permissions: [{url_path: {path: {safe_regex: {regex: "(?i)a"}}}}], principals: [{any: true}]}}}`, "(?i)"},
		"an action":            {"{}", "{action: FRESH, policies: {a: {permissions: [{any: true}], principals: [{any: true}]}}}", "action: FRESH, "},
		"a field of a filter":  {"{fresh: 1}", "{policies: {a: {permissions: [{any: true}], principals: [{any: true}]}}}", "fresh: 1"},
		"a requirement":        {"{rules: [{match: {prefix: /}, requires: {fresh: {}}}]}", "{policies: {a: {permissions: [{any: true}], principals: [{any: true}]}}}", "fresh: {}"},
		"a match":              {"{rules: [{match: {prefix: /, grpc: {}, runtime_fraction: {x: 1}}, requires: {provider_name: a}}]}", "{policies: {a: {permissions: [{any: true}], principals: [{any: true}]}}}", ", requires: {provider_name: a}"},
		"a provider":           {"{providers: {a: {issuer: a, fresh: 1, local_jwks: " + jwks + "}}, rules: [{match: {prefix: /}, requires: {provider_name: a}}]}", "{policies: {a: {permissions: [{any: true}], principals: [{any: true}]}}}", ", fresh: 1"},
		"a matcher":            {"{}", "{policies: {a: {permissions: [{matcher: {name: x}}], principals: [{any: true}]}}}", "matcher: {name: x}|any: true"},
	} {
		text := strings.NewReplacer(", JWT", strings.TrimSuffix(", "+c.jwt[1:len(c.jwt)-1], ", "), "RULES", c.rules).Replace(filters)
		gone, instead, _ := strings.Cut(c.twin, "|")
		for _, twin := range []bool{false, true} {
			source := text
			if twin {
				if source = strings.Replace(text, gone, instead, 1); source == text {
					t.Fatalf("%s: the twin is the same", name)
				}
			}
			d := draft(t, source)
			policy, _ := d.Render()
			if denies := d.Report.Count(importer.ToDecide) > 0; denies == twin {
				t.Errorf("%s, twin %v: questions %v\n%s", name, twin, denies, policy)
			}
			if strings.Contains(string(policy), "# TODO: ") == twin {
				t.Errorf("%s, twin %v: the policy has no question, or one that it should not have\n%s", name, twin, policy)
			}
		}
	}
}

// FuzzImport: whatever a file holds, an import ends without a panic, in a draft that
// loads or in an error, and stays small.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		strings.NewReplacer("JWT", "rules: [{match: {prefix: /a}, requires: {provider_name: a}}]", "RULES", "{policies: {a: {permissions: [{any: true}], principals: [{any: true}]}}}").Replace(filters),
		strings.NewReplacer("JWT", "providers: {a: {issuer: i, from_headers: [{name: \"x'\", value_prefix: \"'\"}], local_jwks: {inline_string: '{\"keys\":[{}]}'}}}", "RULES", "{action: DENY, policies: {a: {permissions: [{not_rule: {header: {name: ':path', range_match: {start: 1}}}}], principals: [{metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: a}, {key: ''}]}}]}}}").Replace(filters),
		"configs: [{dynamic_listeners: [{active_state: {listener: {name: a, filter_chains: [{filters: [{typed_config: {http_filters: [{name: rbac}], rds: {route_config_name: r}}}]}]}}}]}, {static_route_configs: [{route_config: {name: r, virtual_hosts: [{routes: [{match: {prefix: /}, typed_per_filter_config: {rbac: {disabled: true}}}]}]}}]}]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			t.Skip("long texts take time and show nothing new")
		}
		file, err := policyfile.ParseDocuments("envoy.yaml", []byte(text))
		if err != nil {
			return
		}
		drafts, err := Import([]*policyfile.Documents{file})
		if err != nil {
			return
		}
		for _, d := range drafts {
			if _, err := d.Settle(); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
			if out, err := d.Render(); err != nil || len(out) > 200*len(text)+10_000 {
				t.Errorf("%d bytes of %d, %v", len(out), len(text), err)
			}
		}
	})
}
