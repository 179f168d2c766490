-- A script that fails lets the request pass, so what decides is called in a protected call.
function envoy_on_request(handle)
  local ok, yes = pcall(decide, handle)
  if not (ok and yes) then handle:respond({[":status"] = "403"}, "") end
end

-- Those of jwt_authn, which verifies the token.
function claims(handle)
  return handle:streamInfo():dynamicMetadata():get("envoy.filters.http.jwt_authn").claims
end

function path(handle) return (handle:headers():get(":path"):match("^[^?]*")) end
