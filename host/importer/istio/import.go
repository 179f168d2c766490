// Package istio imports RequestAuthentication and AuthorizationPolicy of Istio: as the
// filters of Envoy that Istio makes of them.
package istio

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/envoy"
	"github.com/rulegate/rulegate/host/policyfile"
	"go.yaml.in/yaml/v4"
)

// rootNamespace is the namespace whose policies hold for the whole mesh.
const rootNamespace = "istio-system"

// Import returns a draft for each set of workloads that the resources of the files
// select.
//
// Errors: *policyfile.Error for a document that is no resource of Istio.
func Import(files []*policyfile.Documents) (drafts []*importer.Draft, err error) {
	var all []*resource
	var dropped []importer.Item
	for _, f := range files {
		for _, root := range f.Roots {
			list := []*yaml.Node{root}
			if items := importer.Get(root, "items"); importer.TextOf(root, "kind") == "List" && items != nil {
				list = items.Content
			}
			for _, n := range list {
				r, item, err := read(f, n)
				switch {
				case err != nil:
					return nil, err
				case r != nil:
					all = append(all, r)
				default:
					dropped = append(dropped, item)
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the files have no RequestAuthentication and no AuthorizationPolicy")
	}
	for _, t := range targets(all) {
		d, err := t.draft(all)
		if err != nil {
			return nil, err
		}
		for _, item := range dropped {
			d.Report.Add(item)
		}
		drafts = append(drafts, d)
	}
	return drafts, nil
}

// resource is a RequestAuthentication or an AuthorizationPolicy.
type resource struct {
	kind, namespace, name, at string
	spec                      *yaml.Node
	dryRun                    bool
	target                    target
}

// target are the workloads that a resource is for.
type target struct {
	namespace string
	labels    map[string]string // all of them
	refs      []string          // or one of these, such as Gateway/public
}

func read(f *policyfile.Documents, n *yaml.Node) (*resource, importer.Item, error) {
	kind, group := importer.TextOf(n, "kind"), importer.TextOf(n, "apiVersion")
	r := &resource{
		kind: kind, name: importer.TextOf(n, "metadata", "name"), namespace: importer.TextOf(n, "metadata", "namespace"),
		at: fmt.Sprintf("%s:%d", f.Path, n.Line), spec: importer.Get(n, "spec"),
		dryRun: importer.IsTrue(n, "metadata", "annotations", "istio.io/dry-run"),
	}
	if r.namespace == "" {
		r.namespace = "default"
	}
	if !strings.HasPrefix(group, "security.istio.io/") || kind != "RequestAuthentication" && kind != "AuthorizationPolicy" {
		if other := importer.Recognise(n); other != "istio" && other != "" {
			return nil, importer.Item{}, f.Fault(n, "", "this is %s", importer.Describe(other))
		}
		if group == "" || kind == "" {
			return nil, importer.Item{}, f.Fault(n, "", "not a resource of Istio: want apiVersion, kind, metadata and spec")
		}
		return nil, importer.Item{Outcome: importer.Dropped, At: r.at, Part: kind + " " + r.name, Reason: "it stays in the cluster"}, nil
	}
	r.target.namespace = r.namespace
	for _, e := range importer.Entries(importer.Get(r.spec, "selector", "matchLabels")) {
		if r.target.labels == nil {
			r.target.labels = map[string]string{}
		}
		r.target.labels[e.Key] = e.Value.Value
	}
	refs := importer.Entries(importer.Get(r.spec, "targetRefs"))
	if one := importer.Get(r.spec, "targetRef"); one != nil {
		refs = append(refs, importer.Entry{Value: one})
	}
	for _, e := range refs {
		r.target.refs = append(r.target.refs, importer.TextOf(e.Value, "kind")+"/"+importer.TextOf(e.Value, "name"))
	}
	return r, importer.Item{}, nil
}

// name describes a target.
func (t *target) name() string {
	var parts []string
	for _, k := range sortedKeys(t.labels) {
		parts = append(parts, k+"="+t.labels[k])
	}
	parts = append(parts, t.refs...)
	if len(parts) == 0 {
		if t.namespace == rootNamespace {
			return "mesh"
		}
		return t.namespace
	}
	return t.namespace + " " + strings.Join(parts, ",")
}

// targets returns the sets of workloads with policies of their own, or the widest.
func targets(all []*resource) (out []target) {
	seen := map[string]bool{}
	for _, r := range all {
		list := []target{r.target}
		if len(r.target.refs) > 1 {
			list = nil
			for _, ref := range r.target.refs {
				list = append(list, target{namespace: r.namespace, refs: []string{ref}})
			}
		}
		for _, t := range list {
			if name := t.name(); !seen[name] {
				seen[name] = true
				out = append(out, t)
			}
		}
	}
	return out
}

// holds reports whether a resource is for all workloads of a target.
func (r *resource) holds(t *target) bool {
	root := r.namespace == rootNamespace
	switch {
	case r.namespace != t.namespace && !root:
		return false
	case len(r.target.refs) > 0:
		return r.namespace == t.namespace && len(t.refs) > 0 && slices.Contains(r.target.refs, t.refs[0])
	}
	for k, v := range r.target.labels {
		if t.labels[k] != v {
			return false
		}
	}
	return true
}

// draft writes the policy of a target: of the resources that are for all of its
// workloads.
func (t *target) draft(all []*resource) (*importer.Draft, error) {
	d := importer.NewDraft(t.name())
	d.Report.Notes = []string{
		"the policy is for the workloads " + t.name() + ". One that more resources select, because it has more labels, needs the policy of those.",
		"the policy stands in the place of the filters that Istio makes of these resources: remove them from the cluster when the policy is there.",
		"a request is refused whose path, headers or tokens servers could read in two ways, and so is a header that came twice where a rule reads it.",
	}
	var jwt []*resource
	stages := map[string][]*resource{}
	for _, r := range all {
		switch action := importer.TextOf(r.spec, "action"); {
		case !r.holds(t):
		case r.kind == "RequestAuthentication":
			jwt = append(jwt, r)
		case r.dryRun:
			d.Report.Add(importer.Item{Outcome: importer.Dropped, At: r.at, Part: "AuthorizationPolicy " + r.name, Reason: "it is a dry run, which decides nothing"})
		case action == "AUDIT":
			d.Report.Add(importer.Item{Outcome: importer.Dropped, At: r.at, Part: "AuthorizationPolicy " + r.name, Reason: "AUDIT decides nothing"})
		case action == "":
			stages["ALLOW"] = append(stages["ALLOW"], r)
		default:
			stages[action] = append(stages[action], r)
		}
	}
	var filters []envoy.Filter
	if len(jwt) > 0 {
		filters = append(filters, tokens(jwt))
	}
	for _, action := range append([]string{"CUSTOM", "DENY", "ALLOW"}, others(stages)...) {
		if len(stages[action]) > 0 {
			filters = append(filters, authorization(action, stages[action]))
		}
	}
	return d, envoy.Write(d, filters)
}

// others are actions that are not known. Their requests are denied.
func others(stages map[string][]*resource) (out []string) {
	for action := range stages {
		if !slices.Contains([]string{"CUSTOM", "DENY", "ALLOW"}, action) {
			out = append(out, action)
		}
	}
	slices.Sort(out)
	return out
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
