local function escape(s)
  return (s:gsub("[^%w]", function(c) return string.format("%%%02X", c:byte()) end))
end

function decide(handle)
  local user = path(handle):match("^/feeds/([^/]+)$")
  local query = "/follows?follower=" .. escape(claims(handle).sub) .. "&followee=" .. escape(user)
  local headers = handle:httpCall("data", {[":method"] = "GET", [":path"] = query, [":authority"] = "data"}, "", 10000)
  return handle:headers():get(":method") == "GET" and headers[":status"] == "200"
end
