package main

import (
	_ "embed"

	"github.com/rulegate/rulegate/envoy/comparison"
)

// The filters that rulegate is compared with. All but none and empty make the same
// decision: a valid token whose claim role is admin.

// jwtAuthn returns Envoy's own filters: jwt_authn verifies the token, rbac compares
// the claim.
func jwtAuthn(keySet string, cache bool) array {
	provider := object{
		"issuer": issuer, "local_jwks": object{"inline_string": keySet}, "payload_in_metadata": "claims", "forward": true,
	}
	if cache {
		// By default it keeps no token over 4 KiB.
		provider["jwt_cache_config"] = object{"jwt_cache_size": 100, "jwt_max_token_size": 64 << 10}
	}
	principal := object{"metadata": object{
		"filter": "envoy.filters.http.jwt_authn", "path": array{object{"key": "claims"}, object{"key": "role"}},
		"value": object{"string_match": object{"exact": "admin"}},
	}}
	return array{
		filter("envoy.filters.http.jwt_authn", "jwt_authn.v3.JwtAuthentication", object{
			"providers": object{"all": provider},
			"rules":     array{object{"match": object{"prefix": "/"}, "requires": object{"provider_name": "all"}}},
		}),
		filter("rbac", "rbac.v3.RBAC", object{"rules": object{"action": "ALLOW", "policies": object{"admin": object{
			"permissions": array{object{"any": true}}, "principals": array{principal},
		}}}}),
	}
}

func lua(source string) array {
	return array{filter("lua", "lua.v3.Lua", object{"default_source_code": object{"inline_string": source}})}
}

// Lua scripts have no cryptography at hand, so this one trusts the token's payload:
// it costs less than any that verifies it.
//
//go:embed claim.lua
var claimLua string

// jsonLua reads and writes JSON for the two scripts below.
var jsonLua = comparison.JSONLua

const maskLua = `
function envoy_on_response(handle)
  local body = handle:body()
  local rows = decode(body:getBytes(0, body:length()), 1)
  for _, row in ipairs(rows) do
    row.values.password = nil
    row.values.ssn = nil
    row.values.card = "****"
  end
  write(handle, body, rows)
end`

const rowsLua = `
function envoy_on_response(handle)
  local body = handle:body()
  local doc = decode(body:getBytes(0, body:length()), 1)
  for _, row in ipairs(doc.values.rows) do
    if row.values.owner ~= "` + userID + `" then row.values.card = nil end
  end
  write(handle, body, doc)
end`

const forceLua = `
function envoy_on_request(handle)
  local body = handle:body()
  local doc = decode(body:getBytes(0, body:length()), 1)
  doc.values.owner = "` + userID + `"
  write(handle, body, doc)
end`

// extAuthzHTTP asks a server by Envoy's ext_authz over HTTP/1.1.
func extAuthzHTTP(cluster, address string) array {
	return array{filter("ext_authz", "ext_authz.v3.ExtAuthz", object{"http_service": object{"server_uri": object{
		"uri": "http://" + address, "cluster": cluster, "timeout": "10s",
	}}})}
}

// extAuthzGRPC asks a server as OPA's own plugin is asked.
func extAuthzGRPC(cluster string) array {
	return array{filter("ext_authz", "ext_authz.v3.ExtAuthz", object{
		"transport_api_version": "V3", "grpc_service": object{"envoy_grpc": object{"cluster_name": cluster}, "timeout": "10s"},
	})}
}

// wasm is a module without a configuration, in a VM of its own.
func wasm(name, path string) array {
	return array{filter(name, "wasm.v3.Wasm", object{"config": object{
		"name": name, "root_id": name, "vm_config": object{
			"vm_id": name, "runtime": "envoy.wasm.runtime.v8", "code": object{"local": object{"filename": path}},
		},
	}})}
}
