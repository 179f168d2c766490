package envoy

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/access"
	"go.yaml.in/yaml/v4"
)

// rbac reads the rules of an RBAC filter. name is shown in the report.
func (r *reader) rbac(name, at string, n *yaml.Node) {
	if o := other(n, "rules", "shadow_rules", "shadow_rules_stat_prefix", "rules_stat_prefix", "track_per_rule_stats", "shadow_matcher"); o != "" {
		r.deny(name, at, "the filter has "+o+", which is not read")
		return
	}
	rules := field(n, "rules")
	if rules == nil {
		return // only shadow rules, which decide nothing
	}
	stage := access.Stage{Name: name, Effect: access.Allow}
	switch action := text(rules, "action"); action {
	case "", "ALLOW", "0":
	case "DENY", "1":
		stage.Effect = access.Deny
	case "LOG", "2":
		return
	default:
		r.deny(name, at, "the action "+action+" is not known")
		return
	}
	if o := other(rules, "action", "policies", "audit_logging_options"); o != "" {
		r.deny(name, at, "the rules have "+o+", which is not read")
		return
	}
	for _, e := range importer.Entries(field(rules, "policies")) {
		r.reasons = nil
		c := r.rbacPolicy(e.Value)
		stage.Parts = append(stage.Parts, access.Part{Name: e.Key, At: at, Cond: c, Reasons: r.reasons})
	}
	r.policy.Stages = append(r.policy.Stages, stage)
}

// deny adds a stage that no request passes.
func (r *reader) deny(name, at, why string) {
	r.policy.Stages = append(r.policy.Stages, access.Stage{Name: name, Effect: access.Allow,
		Parts: []access.Part{{At: at, Cond: access.Unknown(), Reasons: []string{why}}}})
}

func (r *reader) rbacPolicy(n *yaml.Node) access.Cond {
	if o := other(n, "permissions", "principals"); o != "" {
		return r.unknown(o + ", which no rule can say")
	}
	return access.All(
		r.any(field(n, "permissions"), r.permission),
		r.any(field(n, "principals"), r.principal))
}

func (r *reader) any(n *yaml.Node, read func(*yaml.Node) access.Cond) access.Cond {
	return access.Any(r.each(n, read)...)
}

func (r *reader) each(n *yaml.Node, read func(*yaml.Node) access.Cond) (out []access.Cond) {
	for _, e := range importer.Entries(n) {
		out = append(out, read(e.Value))
	}
	return out
}

// single returns the only field of a message.
func single(n *yaml.Node) (name string, value *yaml.Node) {
	fields := importer.Entries(n)
	if len(fields) != 1 {
		return "", nil
	}
	return snake(fields[0].Key), fields[0].Value
}

// ofBoth reads a field that permissions and principals share; ok is false for another one.
func (r *reader) ofBoth(name string, v *yaml.Node) (c access.Cond, ok bool) {
	switch name {
	case "any":
		if v.Value != "true" {
			return c, false
		}
		return access.Exact(access.Always), true
	case "header":
		return r.anyHeader(v), true
	case "url_path":
		return r.path(v), true
	case "metadata":
		return r.metadata(v), true
	case "sourced_metadata":
		return r.sourcedMetadata(v), true
	}
	return c, false
}

func (r *reader) permission(n *yaml.Node) access.Cond {
	name, v := single(n)
	if c, ok := r.ofBoth(name, v); ok {
		return c
	}
	switch name {
	case "and_rules":
		return access.All(r.each(field(v, "rules"), r.permission)...)
	case "or_rules":
		return r.any(field(v, "rules"), r.permission)
	case "not_rule":
		return r.permission(v).Not()
	case "destination_port":
		if r.port > 0 {
			if v.Value == strconv.Itoa(r.port) {
				return access.Exact(access.Always)
			}
			return access.Exact(access.Never)
		}
	case "uri_template":
		if _, t := unwrapped(field(v, "typed_config")); t != nil && other(t, "path_template") == "" {
			return r.noted(access.Template(text(t, "path_template")), "a path template: some characters in a variable are refused here")
		}
	case "":
		return r.unknown("a permission without one field")
	}
	return r.unknown("a permission by " + name + ", which no rule can say")
}

func (r *reader) principal(n *yaml.Node) access.Cond {
	name, v := single(n)
	if c, ok := r.ofBoth(name, v); ok {
		return c
	}
	switch name {
	case "and_ids":
		return access.All(r.each(field(v, "ids"), r.principal)...)
	case "or_ids":
		return r.any(field(v, "ids"), r.principal)
	case "not_id":
		return r.principal(v).Not()
	case "remote_ip":
		return r.addresses(v)
	case "direct_remote_ip", "source_ip":
		if r.direct {
			return r.addresses(v)
		}
		return r.unknown(name + ": rules see the address that x-forwarded-for may tell; it can be said where use_remote_address is set")
	case "authenticated":
		if o := other(v, "principal_name"); o != "" {
			return r.unknown("authenticated." + o)
		}
		r.because("a client's certificate: rules see the first of its names, and of verified ones only")
		if field(v, "principal_name") == nil {
			return access.AnyPeer()
		}
		return access.Peer(r.text(field(v, "principal_name")))
	case "":
		return r.unknown("a principal without one field")
	}
	return r.unknown("a principal by " + name + ", which no rule can say")
}

func (r *reader) addresses(n *yaml.Node) access.Cond {
	address := text(n, "address_prefix")
	if ip, err := netip.ParseAddr(address); err != nil || ip.Zone() != "" || other(n, "address_prefix", "prefix_len") != "" {
		return r.unknown("an address")
	}
	return access.Addresses([]string{address + "/" + strconv.Itoa(number(n, 0, "prefix_len"))})
}

// metadata reads a MetadataMatcher for the claims of jwt_authn.
func (r *reader) metadata(n *yaml.Node) access.Cond {
	filter := text(n, "filter")
	if filter != "envoy.filters.http.jwt_authn" {
		return r.unknown("metadata of " + filter)
	}
	if o := other(n, "filter", "path", "value", "invert"); o != "" {
		return r.unknown("metadata by " + o)
	}
	var keys []string
	for _, e := range importer.Entries(field(n, "path")) {
		if other(e.Value, "key") != "" || text(e.Value, "key") == "" {
			return r.unknown("metadata by a path without keys")
		}
		keys = append(keys, text(e.Value, "key"))
	}
	c := r.claim(keys, field(n, "value"))
	if isTrue(n, "invert") {
		c = c.Not()
	}
	return c
}

func (r *reader) sourcedMetadata(n *yaml.Node) access.Cond {
	source := text(n, "metadata_source")
	if source != "" && source != "DYNAMIC" && source != "0" || other(n, "metadata_matcher", "metadata_source") != "" {
		return r.unknown("metadata of the source " + source)
	}
	return r.metadata(field(n, "metadata_matcher"))
}

// claim is a condition for a claim; the first key is that of its provider.
func (r *reader) claim(keys []string, value *yaml.Node) access.Cond {
	if len(keys) < 2 || !r.afterJWT {
		if !r.afterJWT {
			return access.Exact(access.Never) // there are no claims yet
		}
		return r.unknown("the claims as a whole")
	}
	var list []access.Cond
	for _, p := range r.policy.Providers.List {
		if p.Metadata != keys[0] {
			continue
		}
		of := r.value(value)
		if contains(p.Split, strings.Join(keys[1:], ".")) {
			of = split(of)
		}
		list = append(list, r.policy.Providers.Claim(r.policy.Providers.Claimed(p), keys[1:], of))
	}
	return access.Any(list...)
}

// split makes an array of a claim with words, before it is compared.
func split(of func(string) access.Cond) func(string) access.Cond {
	return func(path string) access.Cond { return of("utils.split(" + path + ", ' ')") }
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
