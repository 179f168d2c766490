package policy

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// SpaceCloud returns the fault of a document that is a configuration of Space
// Cloud and not a policy: a project with modules, a list of projects, or an
// object of its API.
func SpaceCloud(doc value.Value) (f rules.Fault, ok bool) {
	has := func(key string) bool { return doc.Key(key).Kind() != value.Missing }
	place := ""
	switch {
	case has("modules"):
		place = "modules"
	case has("projects"):
		place = "projects"
	case has("api") && has("type") && has("meta") && has("spec"):
		place = "api"
	default:
		return f, false
	}
	return rules.Fault{
		Place: place, AtKey: true,
		Message: "this is a Space Cloud configuration: rulegate import space-cloud",
	}, true
}
