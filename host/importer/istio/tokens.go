package istio

import (
	"fmt"
	"net/url"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/envoy"
	"go.yaml.in/yaml/v4"
)

// payload is the key of the claims in the metadata of jwt_authn.
const payload = "payload"

// tokens makes the jwt_authn filter of RequestAuthentications: a token that is there
// must be valid, and none need be there.
func tokens(list []*resource) envoy.Filter {
	f := envoy.Filter{Name: "RequestAuthentication", Kind: envoy.JWT, At: list[0].at}
	providers, either, each := object{}, []any{}, []any{}
	for _, r := range list {
		if o := other(r.spec, "jwtRules", "selector", "targetRef", "targetRefs"); o != "" {
			f.Refuse = "RequestAuthentication " + r.name + " has " + o + ", which is not read"
		}
		for _, e := range importer.Entries(importer.Get(r.spec, "jwtRules")) {
			name := providerName(importer.TextOf(e.Value, "issuer"), providers)
			providers[name] = provider(e.Value)
			either = append(either, object{"provider_name": name})
			each = append(each, object{"requires_any": object{"requirements": []any{object{"provider_name": name}, object{"allow_missing": object{}}}}})
		}
	}
	var requires any
	switch len(each) {
	case 0:
		requires = object{}
	case 1:
		requires = each[0]
	default:
		all := object{"requires_all": object{"requirements": each}}
		requires = object{"requires_any": object{"requirements": append(either, all)}}
	}
	f.Node = node(object{
		"providers": providers, "bypass_cors_preflight": true,
		"rules": []any{object{"match": object{"prefix": "/"}, "requires": requires}},
	})
	return f
}

// providerName names a provider after its issuer.
func providerName(issuer string, taken object) string {
	name := issuer
	if u, err := url.Parse(issuer); err == nil && u.Host != "" {
		name = u.Host + u.Path
	}
	if name == "" {
		name = "issuer"
	}
	unique := name
	for i := 2; taken[unique] != nil; i++ {
		unique = fmt.Sprintf("%s %d", name, i)
	}
	return unique
}

// provider makes the provider of a JWTRule.
func provider(n *yaml.Node) object {
	p := object{
		"issuer": importer.TextOf(n, "issuer"), "payload_in_metadata": payload,
		"forward":                       importer.IsTrue(n, "forwardOriginalToken"),
		"normalize_payload_in_metadata": object{"space_delimited_claims": append([]string{"scope", "permission"}, importer.Texts(importer.Get(n, "spaceDelimitedClaims"))...)},
	}
	set := func(name string, list []string) {
		if len(list) > 0 {
			p[name] = list
		}
	}
	set("audiences", importer.Texts(importer.Get(n, "audiences")))
	set("from_params", importer.Texts(importer.Get(n, "fromParams")))
	set("from_cookies", importer.Texts(importer.Get(n, "fromCookies")))
	if h := importer.TextOf(n, "outputPayloadToHeader"); h != "" {
		p["forward_payload_header"] = h
	}
	var headers, claims []any
	for _, e := range importer.Entries(importer.Get(n, "fromHeaders")) {
		headers = append(headers, object{"name": importer.TextOf(e.Value, "name"), "value_prefix": importer.TextOf(e.Value, "prefix")})
	}
	for _, e := range importer.Entries(importer.Get(n, "outputClaimToHeaders")) {
		claims = append(claims, object{"header_name": importer.TextOf(e.Value, "header"), "claim_name": importer.TextOf(e.Value, "claim")})
	}
	if headers != nil {
		p["from_headers"] = headers
	}
	if claims != nil {
		p["claim_to_headers"] = claims
	}
	uri := importer.TextOf(n, "jwksUri")
	if uri == "" {
		uri = importer.TextOf(n, "jwks_uri")
	}
	switch jwks := importer.TextOf(n, "jwks"); {
	case jwks != "":
		p["local_jwks"] = object{"inline_string": jwks}
	case uri != "":
		p["remote_jwks"] = object{"http_uri": object{"uri": uri}, "cache_duration": "300s"}
	default:
		p["discovery"] = object{"x": 1} // Istio asks the issuer's metadata for the keys
	}
	if o := other(n, "issuer", "audiences", "jwksUri", "jwks_uri", "jwks", "fromHeaders", "fromParams", "fromCookies", "outputPayloadToHeader",
		"outputClaimToHeaders", "forwardOriginalToken", "timeout", "spaceDelimitedClaims"); o != "" {
		p[o] = object{"x": 1}
	}
	return p
}
