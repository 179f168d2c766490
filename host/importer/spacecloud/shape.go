package spacecloud

import (
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

// shapes are the places that hold entries. A text there is what is left of a file that
// was not written whole; it must not become a policy without these entries.
var shapes = []string{
	"modules", "modules.{crud,db,eventing,fileStore,functions,remoteServices}",
	"modules.{crud,db}.*", "modules.{crud,db}.*.{collections,preparedQueries}", "modules.{crud,db}.*.{collections,preparedQueries}.*",
	"modules.{crud,db}.*.collections.*.rules", "modules.{crud,db}.*.collections.*.rules.*", "modules.{crud,db}.*.preparedQueries.*.rule",
	"modules.{eventing.securityRules,fileStore.rules,functions.services,functions.rules}",
	"projects", "projects.*", "projectConfig",
	"{dbConfigs,dbRules,dbPreparedQuery,remoteServices,fileStoreRules,ingressRoutes,ingressRoute,eventingRules}.*",
	"meta", "spec", "spec.rules", "spec.rules.*", "spec.endpoints", "spec.endpoints.*", "spec.endpoints.*.rule", "spec.rule", "spec.source",
}

// shape checks the places of shapes.
func (c *collector) shape(root *yaml.Node) error {
	for _, s := range shapes {
		for _, path := range alternatives(s) {
			if err := c.entries(root, strings.Split(path, "."), ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// alternatives writes out the braces of a pattern.
func alternatives(pattern string) []string {
	before, rest, ok := strings.Cut(pattern, "{")
	if !ok {
		return []string{pattern}
	}
	list, after, _ := strings.Cut(rest, "}")
	var out []string
	for _, x := range strings.Split(list, ",") {
		out = append(out, before+x+after)
	}
	return out
}

func (c *collector) entries(n *yaml.Node, path []string, place string) error {
	if n.Kind == yaml.ScalarNode {
		if len(path) == 0 && !importer.IsEmpty(n) {
			return c.file.Fault(n, strings.TrimPrefix(place, "."), "want entries, found %q: was the file written whole?", n.Value)
		}
		return nil
	}
	if len(path) == 0 {
		return nil
	}
	for _, e := range importer.Entries(n) {
		if path[0] == "*" || path[0] == e.Key {
			if err := c.entries(e.Value, path[1:], place+"."+e.Key); err != nil {
				return err
			}
		}
	}
	return nil
}
