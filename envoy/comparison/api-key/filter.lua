local clients = {["key-of-acme-0123456789"] = "acme", ["key-of-globex-0123456789"] = "globex"}

function decide(handle)
  local client = assert(clients[handle:headers():get("x-api-key")])
  handle:headers():replace("x-client", client)
  return path(handle) == "/prices" or path(handle) == "/history" and client == "globex"
end
