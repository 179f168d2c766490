// Package envoygateway imports SecurityPolicy of Envoy Gateway: tokens, API keys,
// authorization and CORS.
package envoygateway

import (
	"fmt"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/access"
	"github.com/rulegate/rulegate/host/policyfile"
	"go.yaml.in/yaml/v4"
)

// Import returns a draft for each SecurityPolicy of the files. Secrets beside them hold
// API keys.
//
// Errors: *policyfile.Error for a document that is no resource.
func Import(files []*policyfile.Documents) (drafts []*importer.Draft, err error) {
	var policies []*securityPolicy
	secrets := map[string]*yaml.Node{}
	var dropped []importer.Item
	for _, f := range files {
		for _, root := range f.Roots {
			list := []*yaml.Node{root}
			if items := importer.Get(root, "items"); importer.TextOf(root, "kind") == "List" && items != nil {
				list = items.Content
			}
			for _, n := range list {
				kind, group := importer.TextOf(n, "kind"), importer.TextOf(n, "apiVersion")
				name := importer.TextOf(n, "metadata", "namespace") + "/" + importer.TextOf(n, "metadata", "name")
				at := fmt.Sprintf("%s:%d", f.Path, n.Line)
				switch {
				case kind == "SecurityPolicy":
					policies = append(policies, &securityPolicy{name: importer.TextOf(n, "metadata", "name"), namespace: importer.TextOf(n, "metadata", "namespace"), at: at, spec: importer.Get(n, "spec")})
				case kind == "Secret" && group == "v1":
					secrets[name] = n
				case importer.Recognise(n) != "envoy-gateway" && importer.Recognise(n) != "":
					return nil, f.Fault(n, "", "this is %s", importer.Describe(importer.Recognise(n)))
				case kind == "" || group == "":
					return nil, f.Fault(n, "", "not a resource of Envoy Gateway: want apiVersion, kind, metadata and spec")
				default:
					dropped = append(dropped, importer.Item{Outcome: importer.Dropped, At: at, Part: kind + " " + importer.TextOf(n, "metadata", "name"), Reason: "it stays in the cluster"})
				}
			}
		}
	}
	if len(policies) == 0 {
		return nil, fmt.Errorf("the files have no SecurityPolicy")
	}
	for _, p := range policies {
		d := importer.NewDraft(p.name)
		p.secrets = secrets
		if err := p.write(d); err != nil {
			return nil, err
		}
		for _, item := range dropped {
			d.Report.Add(item)
		}
		drafts = append(drafts, d)
	}
	return drafts, nil
}

// securityPolicy is one resource.
type securityPolicy struct {
	name, namespace, at string
	spec                *yaml.Node
	secrets             map[string]*yaml.Node

	policy  access.Policy
	reasons []string
}

// other returns a key that is not among the names, "" for none.
func other(n *yaml.Node, names ...string) string {
	for _, e := range importer.Entries(n) {
		known := importer.IsEmpty(e.Value)
		for _, name := range names {
			known = known || e.Key == name
		}
		if !known {
			return e.Key
		}
	}
	return ""
}

func (p *securityPolicy) unknown(why string) access.Cond {
	p.reasons = append(p.reasons, why)
	return access.Unknown()
}

// stage adds a stage that a request passes where a condition holds.
func (p *securityPolicy) stage(name string, status int, c access.Cond) {
	p.policy.Stages = append(p.policy.Stages, access.Stage{Name: name, Effect: access.Allow, Status: status,
		Parts: []access.Part{{Name: name, At: p.at, Cond: c, Reasons: p.reasons}}})
	p.reasons = nil
}

func (p *securityPolicy) write(d *importer.Draft) error {
	d.Report.Notes = []string{
		"the policy is for the routes that SecurityPolicy " + p.name + " targets. It stands in its place: remove that from the cluster when the policy is there.",
		"a request is refused whose path, headers or tokens servers could read in two ways, and so is a header that came twice where a rule reads it.",
	}
	for _, section := range []string{"basicAuth", "oidc", "extAuth", "mergeType"} {
		if importer.Get(p.spec, section) != nil {
			p.stage(section, 0, p.unknown(section+", which no rule can say; keep it in a SecurityPolicy of its own"))
		}
	}
	if o := other(p.spec, "targetRef", "targetRefs", "targetSelectors", "cors", "jwt", "apiKeyAuth", "authorization", "basicAuth", "oidc", "extAuth", "mergeType"); o != "" {
		p.stage(o, 0, p.unknown(o+", which is not read"))
	}
	p.cors(d)
	p.apiKeys(d)
	p.jwt()
	p.authorization()
	return p.policy.Write(d)
}

// cors writes the section `cors`.
func (p *securityPolicy) cors(d *importer.Draft) {
	n := importer.Get(p.spec, "cors")
	if n == nil {
		return
	}
	out := importer.Object()
	for _, f := range [][2]string{{"allowOrigins", "origins"}, {"allowMethods", "methods"}, {"allowHeaders", "headers"}, {"exposeHeaders", "expose"}} {
		if list := importer.Texts(importer.Get(n, f[0])); len(list) > 0 {
			importer.Set(out, f[1], importer.TextList(list...))
		}
	}
	if importer.IsTrue(n, "allowCredentials") {
		importer.Set(out, "credentials", importer.True())
	}
	if age := importer.TextOf(n, "maxAge"); age != "" {
		importer.Set(out, "maxAge", importer.Text(age))
	}
	importer.Set(d.Policy, "cors", out)
	d.Report.Add(importer.Item{Outcome: importer.CarriedOver, At: p.at, Part: "cors"})
}
