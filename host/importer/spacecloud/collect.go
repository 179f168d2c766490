package spacecloud

import (
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

// wholeProject reads a project, whose key in the map of projects may name it.
func (c *collector) wholeProject(n *yaml.Node, key string) {
	config := n
	if own := importer.Get(n, "projectConfig"); own != nil {
		config = own
	}
	id := importer.TextOf(config, "id")
	if id == "" {
		id = lastOf(key)
	}
	p := c.project(id)
	p.config = append(p.config, part{node: config, name: n, at: c.at(config)})
	c.sections(p, n)
	if modules := importer.Get(n, "modules"); modules != nil {
		c.sections(p, modules)
	}
}

// configKeys are the keys of a project's own settings, which tokens and crypto are
// made of.
var configKeys = []string{"id", "name", "secret", "secrets", "secretSource", "aesKey", "projectConfig", "modules", "isIntegration", "contextTimeGraphQL", "dockerRegistry", "contextTime"}

// sections reads the sections of a project, or of its modules.
func (c *collector) sections(p *project, n *yaml.Node) {
	for _, e := range importer.Entries(n) {
		if importer.IsEmpty(e.Value) {
			continue
		}
		switch e.Key {
		case "crud", "db":
			c.crud(p, e.Value)
		case "dbConfigs", "dbConfig":
			c.list(&p.databases, e.Value, "dbAlias")
		case "dbRules", "dbRule":
			c.list(&p.rules, e.Value, "col")
		case "dbPreparedQuery", "dbPreparedQueries":
			c.list(&p.queries, e.Value, "id")
		case "functions":
			c.functions(p, e.Value)
		case "remoteServices", "remoteService":
			if external := importer.Get(e.Value, "externalServices"); external != nil {
				c.list(&p.services, external, "id")
			} else {
				c.list(&p.services, e.Value, "id")
			}
		case "fileStore":
			c.list(&p.files, importer.Get(e.Value, "rules"), "id")
			p.drop(c.at(e.Value), "fileStore: the store itself", reasonFor("fileStore"))
		case "fileStoreRules", "fileStoreRule":
			c.list(&p.files, e.Value, "id")
		case "ingressRoutes", "ingressRoute":
			c.list(&p.routes, e.Value, "id")
		case "eventing":
			c.list(&p.events, importer.Get(e.Value, "securityRules"), "id")
			p.drop(c.at(e.Value), "eventing: triggers and schemas", "the upstream delivers events")
		case "eventingRules", "eventingRule", "eventingSecurityRules":
			c.list(&p.events, e.Value, "id")
		default:
			if !contains(configKeys, e.Key) {
				p.drop(c.at(e.Value), e.Key, reasonFor(e.Key))
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// list adds the entries of a list or a map. Each is named by itself, or by its key.
func (c *collector) list(to *[]part, n *yaml.Node, name string) {
	for _, e := range importer.Entries(n) {
		id := importer.TextOf(e.Value, name)
		if id == "" {
			id = lastOf(e.Key)
		}
		*to = append(*to, part{
			node: e.Value, name: e.Name, at: c.at(e.Value), id: id,
			db: textOfAny(e.Value, "dbAlias", "db"), col: importer.TextOf(e.Value, "col"),
		})
	}
}

// textOfAny returns the first text at one of the keys, or "".
func textOfAny(n *yaml.Node, keys ...string) string {
	for _, key := range keys {
		if s := importer.TextOf(n, key); s != "" {
			return s
		}
	}
	return ""
}

// crud reads the databases of a project's modules, with their collections inside.
func (c *collector) crud(p *project, n *yaml.Node) {
	for _, e := range importer.Entries(n) {
		p.databases = append(p.databases, part{node: withType(e.Value, e.Key), at: c.at(e.Value), id: e.Key})
		for _, col := range importer.Entries(importer.Get(e.Value, "collections")) {
			p.rules = append(p.rules, part{node: col.Value, name: col.Name, at: c.at(col.Value), id: col.Key, db: e.Key, col: col.Key})
		}
		for _, q := range importer.Entries(importer.Get(e.Value, "preparedQueries")) {
			p.queries = append(p.queries, part{node: q.Value, name: q.Name, at: c.at(q.Value), id: q.Key, db: e.Key})
		}
	}
}

// withType gives a database of the first generation, whose key is its type, the type.
func withType(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode || importer.TextOf(n, "type") != "" {
		return n
	}
	out := *n
	out.Content = append(append([]*yaml.Node{}, n.Content...), importer.Text("type"), importer.Text(key))
	return &out
}

// functions reads services of the first generations, which were called functions.
func (c *collector) functions(p *project, n *yaml.Node) {
	for _, section := range []string{"services", "rules", "externalServices", "internalServices"} {
		for _, e := range importer.Entries(importer.Get(n, section)) {
			p.services = append(p.services, part{node: e.Value, name: e.Name, at: c.at(e.Value), id: e.Key})
		}
	}
}

// resource reads a resource file: {api, type, meta, spec}.
func (c *collector) resource(n *yaml.Node) error {
	spec, meta := importer.Get(n, "spec"), importer.Get(n, "meta")
	id := importer.TextOf(meta, "project")
	if id == "" {
		id = importer.TextOf(meta, "projectId")
	}
	if id == "" {
		id = projectOf(importer.TextOf(n, "api"))
	}
	p := c.project(id)
	x := part{node: spec, name: n, at: c.at(n), db: textOfAny(meta, "dbAlias", "db"), col: importer.TextOf(meta, "col")}
	if x.col == "" {
		x.col = importer.TextOf(meta, "collection")
	}
	x.id = importer.TextOf(meta, "id")
	if x.id == "" {
		x.id = importer.TextOf(spec, "id")
	}
	switch kind := importer.TextOf(n, "type"); kind {
	case "project":
		p.config = append(p.config, x)
	case "db-config", "db-configs":
		x.id = x.db
		p.databases = append(p.databases, x)
	case "db-rule", "db-rules":
		x.id = x.col
		p.rules = append(p.rules, x)
	case "db-prepared-query", "db-prepared-queries":
		p.queries = append(p.queries, x)
	case "remote-service", "remote-services":
		p.services = append(p.services, x)
	case "filestore-rule", "filestore-rules":
		p.files = append(p.files, x)
	case "ingress-route", "ingress-routes":
		p.routes = append(p.routes, x)
	case "eventing-rule", "eventing-rules":
		if x.id == "" {
			x.id = importer.TextOf(meta, "type")
		}
		p.events = append(p.events, x)
	default:
		p.drop(x.at, "resource "+kind+named(x.id), "no counterpart")
	}
	return nil
}

func named(id string) string {
	if id == "" {
		return ""
	}
	return " " + id
}

// projectOf is the project in the path of a resource, such as
// /v1/config/projects/shop/database/….
func projectOf(api string) string {
	_, rest, ok := strings.Cut(api, "/projects/")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return strings.Trim(id, "{}")
}
