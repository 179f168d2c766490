package openapi

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/policyfile"
)

// FuzzImport: whatever a document holds, an import ends without a panic, in a draft
// that loads or in an error.
func FuzzImport(f *testing.F) {
	const head = "openapi: 3.0.3\ninfo: {title: a, version: '1'}\n"
	f.Add(head + `paths: {"/a/{b}": {get: {security: [{a: [x]}, {}], responses: {}}, post: {requestBody: {content: {application/json: {schema: {anyOf: [{type: string}, {type: array, items: {}}]}}}}, responses: {}}}}`)
	f.Add(head + `components: {schemas: {t: {type: object, properties: {"a'b": {$ref: "#/components/schemas/t"}}}}}` + "\npaths: {/a: {put: {x-rulegate: {rule: {rule: x}}, requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/t'}}}}}}}")
	f.Add("openapi: 3.1.0\nx-rulegate: {auth: {tokens: 1}, routes: 2}\npaths: {'/{a}-{b}': {head: {}}}")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			t.Skip("long texts take time and show nothing new")
		}
		file, err := policyfile.ParseDocuments("openapi.yaml", []byte(text))
		if err != nil {
			return
		}
		list, err := Import([]*policyfile.Documents{file}, true)
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

// TestUnsaidDenies: an operation whose security or body no rule can say is denied, and
// has a question.
func TestUnsaidDenies(t *testing.T) {
	const head = "openapi: 3.0.3\ninfo: {title: a, version: '1'}\ncomponents: {securitySchemes: {t: {type: http, scheme: bearer}, u: {type: openIdConnect, openIdConnectUrl: 'https://u/.well-known/openid-configuration'}, k: {type: apiKey, in: query, name: k}, b: {type: http, scheme: basic}}}\n"
	body := func(schema string) string {
		return "{security: [], requestBody: {required: true, content: {application/json: {schema: " + schema + "}}}, responses: {}}"
	}
	for operation, denied := range map[string]bool{
		"{responses: {}}":                                            true,
		"{security: [], responses: {}}":                              false,
		"{security: [{t: []}], responses: {}}":                       false,
		"{security: [{t: []}, {}], responses: {}}":                   false,
		"{security: [{k: []}], responses: {}}":                       true,
		"{security: [{b: []}], responses: {}}":                       true,
		"{security: [{t: [], u: []}], responses: {}}":                true,
		"{security: [{gone: []}], responses: {}}":                    true,
		body("{type: string}"):                                       false,
		body("{oneOf: [{type: string}]}"):                            true,
		body("{not: {type: string}}"):                                true,
		body("{type: string, pattern: '(?i)a'}"):                     true,
		body("{type: string, pattern: '^a+$'}"):                      false,
		body(`{type: object, properties: {"a\nb": {type: string}}}`): true,
		body("{anyOf: [{type: string}, {type: number}]}"):            false,
		body("{allOf: [{type: object, properties: {a: {type: string}}}, {type: object, required: [b]}]}"): false,
	} {
		file, err := policyfile.ParseDocuments("openapi.yaml", []byte(head+"paths: {/a: {post: "+operation+"}}"))
		if err != nil {
			t.Fatal(err)
		}
		list, err := Import([]*policyfile.Documents{file}, true)
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		if _, err := list[0].Settle(); err != nil {
			t.Fatal(err)
		}
		policy, _ := list[0].Render()
		questions := list[0].Report.Count(importer.ToDecide) - 1 // the keys of t
		if is := strings.Contains(string(policy), "rule: {rule: deny}"); is != denied || (questions > 0) != denied {
			t.Errorf("%s: denied %v, %d questions\n%s", operation, is, questions, policy)
		}
	}
}
