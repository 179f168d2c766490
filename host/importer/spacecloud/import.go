// Package spacecloud imports the configuration of Space Cloud: its project files of
// three generations, exports of projects, and the resource files of space-cli.
package spacecloud

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/policyfile"
	"go.yaml.in/yaml/v4"
)

// Import returns a draft for each project of the files, in the order in which they
// occur.
//
// Errors: *policyfile.Error for a document that is no configuration of Space Cloud.
func Import(files []*policyfile.Documents) ([]*importer.Draft, error) {
	c := &collector{}
	for _, f := range files {
		c.file = f
		for _, root := range f.Roots {
			if err := c.document(root); err != nil {
				return nil, err
			}
		}
	}
	var drafts []*importer.Draft
	for _, p := range c.projects {
		drafts = append(drafts, p.draft())
	}
	return drafts, nil
}

// collector sorts the parts of all files by project.
type collector struct {
	file     *policyfile.Documents
	projects []*project
}

// part is a part of a project: a node and its place in the source.
type part struct {
	node *yaml.Node
	name *yaml.Node // of its key, which carries comments; nil: it has none
	at   string     // file:line
	id   string     // its own name, from a key, from meta or from itself
	db   string     // the database that it belongs to
	col  string     // the collection
}

// project holds the parts of one project, from all files.
type project struct {
	id string

	config      []part // the project's own settings: secrets, aesKey
	databases   []part
	rules       []part // of collections
	queries     []part // prepared queries
	services    []part
	files       []part
	routes      []part
	events      []part // security rules of events
	unsupported []dropped
}

// dropped is a part that has no counterpart.
type dropped struct{ at, what, reason string }

func (c *collector) project(id string) *project {
	for _, p := range c.projects {
		if p.id == id {
			return p
		}
	}
	p := &project{id: id}
	c.projects = append(c.projects, p)
	return p
}

func (c *collector) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", c.file.Path, n.Line) }

// document reads one document: a project, a list or map of projects, a resource, or
// a list of resources.
func (c *collector) document(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		for _, e := range importer.Entries(n) {
			if err := c.document(e.Value); err != nil {
				return err
			}
		}
		return nil
	}
	if err := c.shape(n); err != nil {
		return err
	}
	has := func(key string) bool { return importer.Get(n, key) != nil }
	switch {
	case has("type") && has("spec"):
		return c.resource(n)
	case has("projects"):
		for _, e := range importer.Entries(importer.Get(n, "projects")) {
			if err := c.shape(e.Value); err != nil {
				return err
			}
			c.wholeProject(e.Value, e.Key)
		}
		for _, e := range importer.Entries(n) {
			if e.Key != "projects" && !importer.IsEmpty(e.Value) {
				c.dropTop(e)
			}
		}
		return nil
	case has("modules"), has("id") && (has("secret") || has("secrets")), has("projectConfig"):
		c.wholeProject(n, "")
		return nil
	}
	if other := importer.Recognise(n); other != "" && other != "space-cloud" {
		return c.file.Fault(n, "", "this is %s", importer.Describe(other))
	}
	return c.file.Fault(n, "", "not a configuration of Space Cloud: want a project (id, modules), projects, or a resource (api, type, meta, spec)")
}

// dropTop drops a part that is not a project's.
func (c *collector) dropTop(e importer.Entry) {
	for _, p := range c.projects {
		p.drop(c.at(e.Value), e.Key, reasonFor(e.Key))
	}
}

func (p *project) drop(at, what, reason string) {
	d := dropped{at, what, reason}
	if !slices.Contains(p.unsupported, d) {
		p.unsupported = append(p.unsupported, d)
	}
}

// reasonFor says why a section has no counterpart.
func reasonFor(section string) string {
	switch section {
	case "ssl", "letsencrypt":
		return "the proxy in front has the certificates"
	case "admin", "adminUser":
		return "there is no console with users"
	case "auth", "auths", "userMan":
		return "tokens are issued elsewhere"
	case "realtime", "pubsub":
		return "sockets have no counterpart: their path is denied"
	case "static", "ingressGlobal":
		return "routes to upstreams are the proxy's"
	case "fileStoreConfig", "fileStore":
		return "the upstream keeps the files"
	case "dbSchemas", "schema", "eventingSchemas":
		return "the upstream checks schemas"
	case "eventingConfig", "eventingTriggers":
		return "the upstream delivers events"
	case "integrations", "integrationHooks", "integrationsHooks", "clusterConfig", "deploy", "deployments", "gateway", "cluster", "nodeId", "cacheConfig", "dockerRegistry":
		return "a setting of the cluster"
	}
	return "no counterpart"
}

// lastOf is the own name in the id of a resource of version 0.19 and later, such as
// cluster--project--kind--name.
func lastOf(id string) string {
	if i := strings.LastIndex(id, "--"); i >= 0 {
		return id[i+2:]
	}
	return id
}
