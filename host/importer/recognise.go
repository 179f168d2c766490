package importer

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// Recognise returns the kind of a document that some importer wants, or "".
func Recognise(n *yaml.Node) string {
	has := func(path ...string) bool { return Get(n, path...) != nil }
	group := TextOf(n, "apiVersion")
	switch {
	case n == nil || n.Kind != yaml.MappingNode:
		return ""
	case has("modules"), has("projects"), has("type") && has("spec") && (has("meta") || has("api")):
		return "space-cloud"
	case has("static_resources"), has("staticResources"), has("configs"), has("http_filters"), has("httpFilters"), has("filter_chains"), has("filterChains"),
		strings.HasPrefix(TextOf(n, "@type"), "type.googleapis.com/envoy"), isDiscovery(n):
		return "envoy"
	case strings.Contains(group, "istio.io/"), TextOf(n, "kind") == "List" && Recognise(firstItem(n)) == "istio":
		return "istio"
	case TextOf(n, "kind") == "List" && Recognise(firstItem(n)) == "envoy-gateway":
		return "envoy-gateway"
	case strings.HasPrefix(group, "gateway.envoyproxy.io/"), strings.HasPrefix(group, "gateway.networking.k8s.io/"):
		return "envoy-gateway"
	case has("openapi"), has("swagger"):
		return "openapi"
	case has("routes"), has("services"), has("databases"), has("files"):
		return "policy"
	}
	return ""
}

func firstItem(n *yaml.Node) *yaml.Node {
	if list := Entries(Get(n, "items")); len(list) > 0 && TextOf(list[0].Value, "kind") != "List" {
		return list[0].Value
	}
	return nil
}

// isDiscovery reports whether a document is a discovery response of Envoy, as its file
// subscriptions read.
func isDiscovery(n *yaml.Node) bool {
	list := Entries(Get(n, "resources"))
	return len(list) > 0 && strings.HasPrefix(TextOf(list[0].Value, "@type"), "type.googleapis.com/envoy")
}

// Describe says which command wants a kind of document.
func Describe(kind string) string {
	switch kind {
	case "space-cloud":
		return "a Space Cloud configuration: rulegate import space-cloud"
	case "envoy":
		return "a configuration of Envoy: rulegate import envoy"
	case "istio":
		return "a resource of Istio: rulegate import istio"
	case "envoy-gateway":
		return "a resource of Envoy Gateway: rulegate import envoy-gateway"
	case "openapi":
		return "an OpenAPI document: rulegate import openapi"
	case "policy":
		return "a policy of rulegate already: rulegate check"
	}
	return ""
}
