package istio

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/envoy"
	"go.yaml.in/yaml/v4"
)

// object is a message of Envoy.
type object = map[string]any

// node makes a node of a message.
func node(v any) *yaml.Node {
	var n yaml.Node
	if err := n.Encode(v); err != nil {
		return nil
	}
	return &n
}

// authorization makes the rbac filter of the policies of one action.
func authorization(action string, list []*resource) envoy.Filter {
	f := envoy.Filter{Name: "AuthorizationPolicy", Kind: envoy.RBAC, At: list[0].at, Ats: map[string]string{}}
	policies := object{}
	unique := func(name string) string {
		for i := 2; policies[name] != nil; i++ {
			name = fmt.Sprintf("%s %d", name, i)
		}
		return name
	}
	for _, r := range list {
		rules := importer.Entries(importer.Get(r.spec, "rules"))
		for i, e := range rules {
			name := unique(fmt.Sprintf("%s/%s rules[%d]", r.namespace, r.name, i))
			policies[name], f.Ats[name] = policy(e.Value, r), r.at
		}
		if len(rules) == 0 {
			name := unique(r.namespace + "/" + r.name)
			never := object{"not_rule": object{"any": true}}
			policies[name], f.Ats[name] = object{"permissions": []any{never}, "principals": []any{object{"not_id": object{"any": true}}}}, r.at
		}
		if o := other(r.spec, "action", "rules", "selector", "targetRef", "targetRefs", "provider"); o != "" {
			f.Refuse = "AuthorizationPolicy " + r.name + " has " + o + ", which is not read"
		}
	}
	switch action {
	case "ALLOW":
	case "DENY":
	case "CUSTOM":
		f.Asks = "an external service decides about these requests: ask it by a webhook rule, or keep Envoy's ext_authz"
		action = "DENY"
	default:
		f.Asks = "the action " + action + " is not known"
		action = "DENY"
	}
	f.Node = node(object{"rules": object{"action": action, "policies": policies}})
	return f
}

// other returns a key that is not among the names, "" for none.
func other(n *yaml.Node, names ...string) string {
	for _, e := range importer.Entries(n) {
		known := importer.IsEmpty(e.Value)
		for _, name := range names {
			known = known || e.Key == name
		}
		if !known {
			return e.Key
		}
	}
	return ""
}

// unknown is a condition that the importer of Envoy does not know either.
func unknown(what string) object { return object{what: object{"x": 1}} }

// policy makes the policy of one rule.
func policy(n *yaml.Node, r *resource) object {
	var basePermissions, basePrincipals []any
	for _, e := range importer.Entries(importer.Get(n, "when")) {
		key := importer.TextOf(e.Value, "key")
		fitting, not := importer.Texts(importer.Get(e.Value, "values")), importer.Texts(importer.Get(e.Value, "notValues"))
		if o := other(e.Value, "key", "values", "notValues"); o != "" {
			basePermissions = append(basePermissions, unknown("when."+o))
			continue
		}
		if permission := permissionOf(key); permission != nil {
			basePermissions = append(basePermissions, orNot("rule", fitting, not, permission)...)
		} else {
			basePrincipals = append(basePrincipals, orNot("id", fitting, not, principalOf(key, r))...)
		}
	}
	out := object{}
	var permissions, principals []any
	for _, e := range importer.Entries(importer.Get(n, "to")) {
		permissions = append(permissions, and("rules", append(operation(importer.Get(e.Value, "operation")), basePermissions...)))
	}
	if permissions == nil {
		permissions = []any{and("rules", basePermissions)}
	}
	for _, e := range importer.Entries(importer.Get(n, "from")) {
		principals = append(principals, and("ids", append(source(importer.Get(e.Value, "source"), r), basePrincipals...)))
	}
	if principals == nil {
		principals = []any{and("ids", basePrincipals)}
	}
	out["permissions"], out["principals"] = permissions, principals
	if o := other(n, "from", "to", "when"); o != "" {
		out[o] = object{"x": 1}
	}
	return out
}

// and joins conditions; kind is rules or ids.
func and(kind string, list []any) object {
	if len(list) == 0 {
		return object{"any": true}
	}
	return object{"and_" + kind: object{kind: list}}
}

// orNot are the conditions that one of the values fits, and none of the others; kind is
// rule or id.
func orNot(kind string, fitting, not []string, of func(string) object) (out []any) {
	or := func(texts []string) object {
		var list []any
		for _, v := range texts {
			list = append(list, of(v))
		}
		return object{"or_" + kind + "s": object{kind + "s": list}}
	}
	if len(fitting) > 0 {
		out = append(out, or(fitting))
	}
	if len(not) > 0 {
		out = append(out, object{"not_" + kind: or(not)})
	}
	return out
}

// values is a field with values, such as paths, beside one such as notPaths.
type values struct {
	name string
	of   func(string) object
}

// fields reads fields with values; kind is rule or id.
func fields(n *yaml.Node, kind string, list []values) (out []any) {
	var names []string
	for _, f := range list {
		not := "not" + strings.ToUpper(f.name[:1]) + f.name[1:]
		names = append(names, f.name, not)
		out = append(out, orNot(kind, importer.Texts(importer.Get(n, f.name)), importer.Texts(importer.Get(n, not)), f.of)...)
	}
	if o := other(n, names...); o != "" {
		out = append(out, unknown(o))
	}
	return out
}

func operation(n *yaml.Node) []any {
	return fields(n, "rule", []values{
		{"hosts", func(v string) object { return object{"header": header(":authority", v, true)} }},
		{"methods", func(v string) object { return object{"header": header(":method", v, false)} }},
		{"paths", path}, {"ports", port},
	})
}

func source(n *yaml.Node, r *resource) []any {
	return fields(n, "id", []values{
		{"principals", principalOf("source.principal", r)},
		{"requestPrincipals", principalOf("request.auth.principal", r)},
		{"namespaces", principalOf("source.namespace", r)},
		{"serviceAccounts", principalOf("source.serviceAccount", r)},
		{"ipBlocks", principalOf("source.ip", r)},
		{"remoteIpBlocks", principalOf("remote.ip", r)},
	})
}

// permissionOf returns the permission for a value of a `when` key, nil for a key of
// principals.
func permissionOf(key string) func(string) object {
	switch key {
	case "destination.port":
		return port
	case "destination.ip":
		return func(string) object { return unknown("destination_ip") }
	case "connection.sni":
		return func(string) object { return unknown("requested_server_name") }
	}
	return nil
}

// principalOf returns the principal for a value of a `when` key.
func principalOf(key string, r *resource) func(string) object {
	name, bracketed, _ := strings.Cut(key, "[")
	switch name {
	case "source.ip":
		return func(v string) object { return address("direct_remote_ip", v) }
	case "remote.ip":
		return func(v string) object { return address("remote_ip", v) }
	case "source.principal":
		return func(v string) object { return peer(prefixed(v, "spiffe://")) }
	case "source.namespace":
		return func(v string) object { return peer(regex(".*/ns/" + strings.ReplaceAll(v, "*", ".*") + "/.*")) }
	case "source.serviceAccount":
		return func(v string) object {
			namespace, account, ok := strings.Cut(v, "/")
			if !ok {
				namespace, account = r.namespace, v
			}
			return peer(regex("spiffe://.+/ns/" + namespace + "/(.+/|)sa/" + account + "(/.+)?"))
		}
	case "request.auth.principal":
		return requestPrincipal
	case "request.auth.audiences":
		return func(v string) object { return claim(text(v), "aud") }
	case "request.auth.presenter":
		return func(v string) object { return claim(text(v), "azp") }
	case "request.auth.claims":
		return func(v string) object {
			return claim(text(v), strings.Split(strings.TrimSuffix(bracketed, "]"), "][")...)
		}
	case "request.headers":
		return func(v string) object { return object{"header": header(strings.TrimSuffix(bracketed, "]"), v, false)} }
	}
	return func(string) object { return unknown("when_" + key) }
}

// text is a StringMatcher of a value with stars.
func text(v string) object { return prefixed(v, "") }

// prefixed is a StringMatcher of a value with stars, below a prefix.
func prefixed(v, prefix string) object {
	switch {
	case v == "*":
		return regex(".+")
	case strings.HasPrefix(v, "*"):
		return object{"suffix": v[1:]}
	case strings.HasSuffix(v, "*"):
		return object{"prefix": prefix + v[:len(v)-1]}
	}
	return object{"exact": prefix + v}
}

func regex(pattern string) object { return object{"safe_regex": object{"regex": pattern}} }

func header(name, v string, ignoreCase bool) object {
	if v == "*" {
		return object{"name": name, "present_match": true}
	}
	m := text(v)
	if ignoreCase {
		m["ignore_case"] = true
	}
	return object{"name": name, "string_match": m}
}

func path(v string) object {
	if strings.Contains(v, "{*}") || strings.Contains(v, "{**}") {
		template := strings.NewReplacer("{**}", "**", "{*}", "*").Replace(v)
		return object{"uri_template": object{"typed_config": object{"path_template": template}}}
	}
	return object{"url_path": object{"path": text(v)}}
}

func port(v string) object {
	n, err := strconv.Atoi(v)
	if err != nil {
		return unknown("port")
	}
	return object{"destination_port": n}
}

func address(kind, v string) object {
	prefix, err := netip.ParsePrefix(v)
	if err != nil {
		ip, err := netip.ParseAddr(v)
		if err != nil {
			return unknown("address")
		}
		prefix = netip.PrefixFrom(ip, ip.BitLen())
	}
	return object{kind: object{"address_prefix": prefix.Addr().String(), "prefix_len": prefix.Bits()}}
}

func peer(name object) object { return object{"authenticated": object{"principal_name": name}} }

// metadata is a condition for a claim.
func metadata(value object, claims ...string) object {
	keys := []any{object{"key": payload}}
	for _, c := range claims {
		keys = append(keys, object{"key": c})
	}
	return object{"metadata": object{"filter": "envoy.filters.http.jwt_authn", "path": keys, "value": value}}
}

// claim is a condition for a claim that is a text, or an array with such an element.
func claim(value object, claims ...string) object {
	one := object{"string_match": value}
	return metadata(object{"or_match": object{"value_matchers": []any{object{"list_match": object{"one_of": one}}, one}}}, claims...)
}

// requestPrincipal is a condition for issuer/subject.
func requestPrincipal(v string) object {
	iss, sub, found := cutLast(v)
	issuer, subject := object{"exact": iss}, object{"exact": sub}
	anything := regex(".+")
	switch {
	case v == "*":
		issuer, subject = anything, anything
	case strings.HasPrefix(v, "*") && !found:
		issuer, subject = anything, object{"suffix": v[1:]}
	case strings.HasPrefix(v, "*"):
		if issuer = (object{"suffix": iss[1:]}); iss == "*" {
			issuer = anything
		}
	case strings.HasSuffix(v, "*") && !found:
		issuer, subject = object{"prefix": v[:len(v)-1]}, anything
	case strings.HasSuffix(v, "*"):
		if subject = (object{"prefix": sub[:len(sub)-1]}); sub == "*" {
			subject = anything
		}
	}
	return object{"and_ids": object{"ids": []any{metadata(object{"string_match": issuer}, "iss"), metadata(object{"string_match": subject}, "sub")}}}
}

func cutLast(v string) (iss, sub string, found bool) {
	i := strings.LastIndexByte(v, '/')
	if i < 0 {
		return v, "", false
	}
	return v[:i], v[i+1:], true
}
