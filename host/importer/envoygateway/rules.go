package envoygateway

import (
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/access"
	"github.com/rulegate/rulegate/host/importer/envoy"
	"go.yaml.in/yaml/v4"
)

// maxRules bounds the rules of authorization: each is written with the negation of those
// before it.
const maxRules = 40

// jwt reads the section jwt: a token of one of the providers.
func (p *securityPolicy) jwt() {
	n := importer.Get(p.spec, "jwt")
	if n == nil {
		return
	}
	if o := other(n, "optional", "providers"); o != "" {
		p.stage("jwt", 401, p.unknown("jwt has "+o+", which is not read"))
		return
	}
	for _, e := range importer.Entries(importer.Get(n, "providers")) {
		p.policy.Providers.List = append(p.policy.Providers.List, p.provider(e.Value))
	}
	var list []access.Cond
	for _, x := range p.policy.Providers.List {
		list = append(list, p.policy.Providers.Verified(x))
	}
	c := access.Any(list...)
	if importer.IsTrue(n, "optional") {
		c = access.Any(c, access.Cond{Under: p.policy.Providers.Tokenless(), Over: access.Always})
	}
	p.stage("jwt", 401, c)
}

func (p *securityPolicy) provider(n *yaml.Node) *access.Provider {
	x := &access.Provider{
		Name: importer.TextOf(n, "name"), At: p.at, Issuer: importer.TextOf(n, "issuer"), Audiences: importer.Texts(importer.Get(n, "audiences")),
		Metadata: importer.TextOf(n, "name"), Forward: true, Skew: 60, Split: []string{"scope"},
	}
	if o := other(n, "name", "issuer", "audiences", "remoteJWKS", "localJWKS", "claimToHeaders", "recomputeRoute", "extractFrom"); o != "" {
		x.Refused = "it has " + o + ", which is not read"
	}
	from := importer.Get(n, "extractFrom")
	for _, e := range importer.Entries(importer.Get(from, "headers")) {
		x.From = append(x.From, access.Location{Header: strings.ToLower(importer.TextOf(e.Value, "name")), Prefix: importer.TextOf(e.Value, "valuePrefix")})
	}
	for _, name := range importer.Texts(importer.Get(from, "params")) {
		x.From = append(x.From, access.Location{Query: name})
	}
	for _, name := range importer.Texts(importer.Get(from, "cookies")) {
		x.From = append(x.From, access.Location{Cookie: name})
	}
	for _, e := range importer.Entries(importer.Get(n, "claimToHeaders")) {
		x.ClaimHeaders = append(x.ClaimHeaders, [2]string{strings.ToLower(importer.TextOf(e.Value, "header")), importer.TextOf(e.Value, "claim")})
	}
	var why string
	switch remote, inline := importer.Get(n, "remoteJWKS"), importer.TextOf(n, "localJWKS", "inline"); {
	case remote != nil && importer.TextOf(remote, "uri") != "":
		x.Keys = importer.Object(importer.Text("url"), importer.Text(importer.TextOf(remote, "uri")))
		if d, err := time.ParseDuration(importer.TextOf(remote, "cacheDuration")); err == nil && d >= time.Second {
			importer.Set(x.Keys, "refresh", importer.Text(d.Round(time.Second).String()))
		}
	case inline != "":
		x.Keys, why = envoy.InlineKeys(inline)
	default:
		why = "its keys are in a resource of the cluster: put them into the policy"
	}
	if x.Refused == "" {
		x.Refused = why
	}
	return x
}

// authorization reads the section authorization: the first rule that fits decides, else
// the default action.
func (p *securityPolicy) authorization() {
	n := importer.Get(p.spec, "authorization")
	if n == nil {
		return
	}
	rules := importer.Entries(importer.Get(n, "rules"))
	allowed := importer.TextOf(n, "defaultAction") == "Allow"
	o := other(n, "defaultAction", "rules")
	if o == "" && len(rules) > maxRules {
		o = fmt.Sprintf("more than %d rules", maxRules)
	}
	if o != "" {
		p.stage("authorization", 0, p.unknown("authorization has "+o+", which is not read"))
		return
	}
	s := access.Stage{Name: "authorization", Effect: access.Allow}
	earlier := access.Exact(access.Always)
	for i, e := range rules {
		p.reasons = nil
		fits := p.rule(e.Value)
		name := importer.TextOf(e.Value, "name")
		if name == "" {
			name = fmt.Sprintf("rules[%d]", i)
		}
		if !earlier.IsExact() {
			p.reasons = append(p.reasons, "a rule before it is not exact")
		}
		part := access.Part{Name: name, At: p.at, Cond: access.All(earlier, fits), Reasons: p.reasons}
		earlier = access.All(earlier, fits.Not())
		switch importer.TextOf(e.Value, "action") {
		case "Allow":
			s.Parts = append(s.Parts, part)
		case "Deny":
			s.Noted = append(s.Noted, access.Part{Name: name, At: p.at, Cond: fits, Reasons: p.reasons})
		default:
			s.Noted = append(s.Noted, access.Part{Name: name, At: p.at, Cond: access.Unknown(), Reasons: []string{"its action is not known"}, Asks: true})
			earlier = access.Cond{Under: access.Never, Over: access.Always}
		}
	}
	p.reasons = nil
	if allowed {
		if !earlier.IsExact() {
			p.reasons = []string{"a rule before it is not exact"}
		}
		s.Parts = append(s.Parts, access.Part{Name: "default", At: p.at, Cond: earlier, Reasons: p.reasons})
		p.reasons = nil
	}
	p.policy.Stages = append(p.policy.Stages, s)
}

// rule reads the condition of one rule.
func (p *securityPolicy) rule(n *yaml.Node) access.Cond {
	if o := other(n, "name", "action", "operation", "principal"); o != "" {
		return p.unknown(o + ", which no rule can say")
	}
	operation, principal := importer.Get(n, "operation"), importer.Get(n, "principal")
	if o := other(operation, "methods", "path"); o != "" {
		return p.unknown("operation." + o + ", which no rule can say")
	}
	if o := other(principal, "clientCIDRs", "jwt", "headers"); o != "" {
		return p.unknown("principal." + o + ", which no rule can say")
	}
	var list []access.Cond
	if methods := importer.Texts(importer.Get(operation, "methods")); len(methods) > 0 {
		var any []access.Cond
		for _, m := range methods {
			any = append(any, access.Text{Kind: access.Equal, Text: m, IgnoreCase: true}.Of(access.Method))
		}
		list = append(list, access.Any(any...))
	}
	if path := importer.Get(operation, "path"); path != nil {
		list = append(list, p.path(path))
	}
	if cidrs := importer.Texts(importer.Get(principal, "clientCIDRs")); len(cidrs) > 0 {
		list = append(list, access.Addresses(cidrs))
	}
	for _, e := range importer.Entries(importer.Get(principal, "headers")) {
		list = append(list, p.header(e.Value))
	}
	if jwt := importer.Get(principal, "jwt"); jwt != nil {
		list = append(list, p.claims(jwt))
	}
	if len(list) == 0 {
		return p.unknown("a rule without a condition")
	}
	return access.All(list...)
}

func (p *securityPolicy) path(n *yaml.Node) access.Cond {
	if o := other(n, "type", "value", "invert"); o != "" {
		return p.unknown("path." + o + ", which no rule can say")
	}
	v := importer.TextOf(n, "value")
	var c access.Cond
	switch importer.TextOf(n, "type") {
	case "", "PathPrefix":
		trimmed := strings.TrimSuffix(v, "/")
		c = access.Any(
			access.Text{Kind: access.Equal, Text: trimmed}.Of(access.Path), access.Text{Kind: access.Prefix, Text: trimmed + "/"}.Of(access.Path))
		if trimmed == "" {
			c = access.Exact(access.Always)
		}
	case "Exact":
		c = access.Text{Kind: access.Equal, Text: v}.Of(access.Path)
	default:
		return p.unknown("a regular expression for a path with its query")
	}
	if importer.IsTrue(n, "invert") {
		return c.Not()
	}
	return c
}

func (p *securityPolicy) header(n *yaml.Node) access.Cond {
	name := strings.ToLower(importer.TextOf(n, "name"))
	if o := other(n, "name", "values"); o != "" || strings.HasPrefix(name, ":") || access.HeaderPath(name) == "" {
		return p.unknown("header " + name + o + ", which no rule can say")
	}
	var any []access.Cond
	for _, v := range importer.Texts(importer.Get(n, "values")) {
		any = append(any, access.Header(name, access.Text{Kind: access.Equal, Text: v}.Of))
	}
	return access.Any(any...)
}

// claims reads principal.jwt.
func (p *securityPolicy) claims(n *yaml.Node) access.Cond {
	if o := other(n, "provider", "claims", "scopes"); o != "" {
		return p.unknown("jwt." + o + ", which no rule can say")
	}
	providers := &p.policy.Providers
	x := providers.Find(importer.TextOf(n, "provider"))
	if x == nil {
		return p.unknown("the provider " + importer.TextOf(n, "provider") + " is not there")
	}
	claim := func(keys []string, values []string, array bool) access.Cond {
		var any []access.Cond
		for _, v := range values {
			any = append(any, providers.Claim(providers.Claimed(x), keys, func(path string) access.Cond {
				is := access.Text{Kind: access.Equal, Text: v}
				split := len(keys) == 1 && keys[0] == "scope"
				switch {
				case split && array:
					return access.Element("utils.split("+path+", ' ')", is.Of)
				case array:
					return access.Element(path, is.Of)
				case split:
					return access.Exact(access.Never) // Envoy has made an array of it
				case len(keys) == 1 && keys[0] == "scp": // newer ones make an array of it too
					return access.Cond{Under: access.Never, Over: is.Of(path).Over}
				}
				return is.Of(path)
			}))
		}
		return access.Any(any...)
	}
	var list []access.Cond
	for _, s := range importer.Texts(importer.Get(n, "scopes")) {
		list = append(list, access.Any(claim([]string{"scope"}, []string{s}, true), claim([]string{"scp"}, []string{s}, true)))
	}
	for _, e := range importer.Entries(importer.Get(n, "claims")) {
		if o := other(e.Value, "name", "valueType", "values"); o != "" {
			return p.unknown("claims." + o + ", which no rule can say")
		}
		array := importer.TextOf(e.Value, "valueType") == "StringArray"
		list = append(list, claim(strings.Split(importer.TextOf(e.Value, "name"), "."), importer.Texts(importer.Get(e.Value, "values")), array))
	}
	if len(list) == 0 {
		return p.unknown("a jwt principal without claims and scopes")
	}
	return access.All(list...)
}
