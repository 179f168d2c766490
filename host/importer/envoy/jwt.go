package envoy

import (
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/access"
	"github.com/rulegate/rulegate/rules/value"
	"go.yaml.in/yaml/v4"
)

// maxRules bounds the rules of a jwt_authn filter: each is written with the negation of
// those before it.
const maxRules = 40

// jwt reads a jwt_authn filter.
func (r *reader) jwt(name, at string, n *yaml.Node) {
	if o := other(n, "providers", "rules", "bypass_cors_preflight", "requirement_map", "strip_failure_response", "stat_prefix"); o != "" {
		r.deny(name, at, "the filter has "+o+", which is not read")
		return
	}
	if r.otherJWTs++; r.otherJWTs > 1 {
		r.deny(name, at, "a second jwt_authn filter is not read")
		return
	}
	for _, e := range importer.Entries(field(n, "providers")) {
		r.policy.Providers.List = append(r.policy.Providers.List, r.provider(e.Key, at, e.Value))
	}
	rules := importer.Entries(field(n, "rules"))
	if len(rules) > maxRules {
		r.deny(name, at, fmt.Sprintf("more than %d rules", maxRules))
		return
	}
	r.reasons = nil
	earlier, ran := access.Exact(access.Always), map[string][]access.Cond{}
	var list []requirementRule
	for _, e := range rules {
		x := requirementRule{match: r.routeMatch(field(e.Value, "match")), earlier: earlier}
		var names []string
		x.required, names = r.ruleRequirement(n, e.Value)
		list = append(list, x)
		for _, p := range names {
			ran[p] = append(ran[p], access.All(earlier, x.match))
		}
		earlier = access.All(earlier, x.match.Not())
	}
	whole := first(list, earlier)
	if isTrue(n, "bypass_cors_preflight") {
		whole = access.Any(whole, preflight())
	}
	r.afterJWT = true
	for _, p := range r.policy.Providers.List {
		p.Ran = access.Any(ran[p.Name]...).Under
		if isHeaderName(p.PayloadHeader) {
			r.policy.Remove = append(r.policy.Remove, p.PayloadHeader)
		}
	}
	r.policy.Stages = append(r.policy.Stages, access.Stage{Name: name, Effect: access.Allow, Status: 401,
		Parts: []access.Part{{Name: "tokens", At: at, Cond: whole, Reasons: r.reasons}}})
}

// requirementRule is a rule of a jwt_authn filter.
type requirementRule struct{ match, required, earlier access.Cond }

// first holds where the first rule that matches gets what it requires, or none matches.
func first(list []requirementRule, noneMatches access.Cond) access.Cond {
	var options []access.Cond
	for i, x := range list {
		options = append(options, access.All(x.earlier, x.match, x.required))
		if !x.match.IsExact() {
			// Whether or not it is the first: the request fulfils this rule and all after it.
			both := []access.Cond{x.earlier, x.required}
			for _, after := range list[i+1:] {
				both = append(both, after.required)
			}
			options = append(options, access.All(both...))
		}
	}
	return access.Any(append(options, noneMatches)...)
}

// preflight holds for a preflight of CORS, as Envoy knows one.
func preflight() access.Cond {
	return access.Exact(access.And(
		access.Match("string", "==", access.Method, importer.Text("OPTIONS")),
		access.Match("string", "!=", "utils.default(args.request.headers.origin, '')", importer.Text("")),
		access.Match("string", "!=", "utils.default(args.request.headers.access-control-request-method, '')", importer.Text(""))))
}

// ruleRequirement reads the requirement of a rule, and the providers in it.
func (r *reader) ruleRequirement(filter, rule *yaml.Node) (access.Cond, []string) {
	if o := other(rule, "match", "requires", "requirement_name"); o != "" {
		return r.unknown("a rule with " + o), nil
	}
	requires := field(rule, "requires")
	if name := text(rule, "requirement_name"); name != "" {
		if requires = importer.Get(field(filter, "requirement_map"), name); requires == nil {
			return r.unknown("the requirement " + name + " is not there"), nil
		}
	}
	if requires == nil {
		return access.Exact(access.Always), nil // nothing is required
	}
	var names []string
	return r.requirement(requires, &names, true), names
}

// requirement reads a JwtRequirement, and adds the providers that certainly look at their
// tokens. alone is whether it is in no list.
func (r *reader) requirement(n *yaml.Node, names *[]string, alone bool) access.Cond {
	name, v := single(n)
	list := func() (out []access.Cond) {
		for _, e := range importer.Entries(field(v, "requirements")) {
			out = append(out, r.requirement(e.Value, names, false))
		}
		return out
	}
	switch name {
	case "provider_name":
		p := r.policy.Providers.Find(v.Value)
		if p == nil {
			return r.unknown("the provider " + v.Value + " is not there")
		}
		*names = append(*names, p.Name)
		return r.policy.Providers.Verified(p)
	case "requires_any":
		return access.Any(list()...)
	case "requires_all":
		return access.All(list()...)
	case "allow_missing":
		return access.Cond{Under: r.policy.Providers.Tokenless(), Over: access.Always}
	case "allow_missing_or_failed":
		// In a list it looks only for tokens where the others of the list do.
		for _, p := range r.policy.Providers.List {
			if alone {
				*names = append(*names, p.Name)
			}
		}
		return access.Exact(access.Always)
	case "":
		if len(importer.Entries(n)) == 0 {
			return access.Exact(access.Always)
		}
	}
	return r.unknown("a requirement by " + name)
}

// provider reads a JwtProvider.
func (r *reader) provider(name, at string, n *yaml.Node) *access.Provider {
	p := &access.Provider{
		Name: name, At: at, Issuer: text(n, "issuer"), Audiences: texts(n, "audiences"), Metadata: text(n, "payload_in_metadata"),
		Forward: isTrue(n, "forward"), PayloadHeader: strings.ToLower(text(n, "forward_payload_header")), Skew: number(n, 60, "clock_skew_seconds"),
		NeedsExpiry: isTrue(n, "require_expiration"), Split: texts(n, "normalize_payload_in_metadata", "space_delimited_claims"),
	}
	if p.Skew == 0 {
		p.Skew = 60
	}
	if o := other(n, "issuer", "audiences", "payload_in_metadata", "forward", "forward_payload_header", "pad_forward_payload_header", "clock_skew_seconds",
		"require_expiration", "normalize_payload_in_metadata", "remote_jwks", "local_jwks", "from_headers", "from_params", "from_cookies", "claim_to_headers",
		"subjects", "jwt_cache_config", "header_in_metadata", "failed_status_in_metadata", "clear_route_cache"); o != "" {
		p.Refused = "it has " + o + ", which no rule can say"
	}
	for _, e := range importer.Entries(field(n, "from_headers")) {
		p.From = append(p.From, access.Location{Header: strings.ToLower(text(e.Value, "name")), Prefix: text(e.Value, "value_prefix")})
	}
	for _, q := range texts(n, "from_params") {
		p.From = append(p.From, access.Location{Query: q})
	}
	for _, c := range texts(n, "from_cookies") {
		p.From = append(p.From, access.Location{Cookie: c})
	}
	for _, e := range importer.Entries(field(n, "claim_to_headers")) {
		if h := strings.ToLower(text(e.Value, "header_name")); isHeaderName(h) {
			p.ClaimHeaders = append(p.ClaimHeaders, [2]string{h, text(e.Value, "claim_name")})
		}
	}
	if s := field(n, "subjects"); s != nil {
		m := stringMatch(s)
		p.Subject = &m
	}
	var why string
	if p.Keys, why = keys(n); why != "" && p.Refused == "" {
		p.Refused = why
	}
	return p
}

// keys reads where the keys of a provider are, as `jwks` of a policy.
func keys(n *yaml.Node) (jwks *yaml.Node, why string) {
	if remote := field(n, "remote_jwks"); remote != nil {
		uri := text(remote, "http_uri", "uri")
		if uri == "" {
			return nil, "its keys have no URI"
		}
		out := importer.Object(importer.Text("url"), importer.Text(uri))
		if cluster := text(remote, "http_uri", "cluster"); cluster != "" {
			importer.Set(out, "cluster", importer.Text(cluster))
		}
		if d, err := time.ParseDuration(text(remote, "cache_duration")); err == nil && d >= time.Second {
			importer.Set(out, "refresh", importer.Text(d.Round(time.Second).String()))
		}
		return out, ""
	}
	inline := text(n, "local_jwks", "inline_string")
	if inline == "" {
		return nil, "its keys are in a file or a variable: put them into the policy"
	}
	return InlineKeys(inline)
}

// InlineKeys makes `jwks` of a policy of a JWK set. Why says why it cannot.
func InlineKeys(inline string) (jwks *yaml.Node, why string) {
	v, err := value.Parse(inline, 16)
	list := v.Key("keys")
	if err != nil || list.Kind() != value.Array || list.Len() == 0 {
		return nil, "its keys are no JWK set"
	}
	out := importer.List()
	for _, key := range list.Elements() {
		if kind, _ := key.Key("kty").Text(); kind == "oct" {
			return nil, "a key is a secret: make an entry of auth.tokens with secretBase64 of it"
		}
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(key.String()), &doc); err != nil || len(doc.Content) == 0 {
			return nil, "its keys are no JWK set"
		}
		plain(doc.Content[0])
		out.Content = append(out.Content, doc.Content[0])
	}
	return importer.Object(importer.Text("keys"), out), ""
}

// plain leaves the quotes of texts to the writer of the policy.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, x := range n.Content {
		plain(x)
	}
}
