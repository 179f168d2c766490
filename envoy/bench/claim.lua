-- Lets a request through if its token's claim role is admin. It does not verify the
-- signature.
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local values = {}
for i = 1, 64 do values[alphabet:byte(i)] = i - 1 end

local function decoded(text)
  local out, bits, n = {}, 0, 0
  for i = 1, #text do
    local v = values[text:byte(i)]
    if not v then return "" end
    bits, n = bits * 64 + v, n + 6
    if n >= 8 then
      n = n - 8
      local byte = math.floor(bits / 2 ^ n)
      bits = bits - byte * 2 ^ n
      out[#out + 1] = string.char(byte)
    end
  end
  return table.concat(out)
end

function envoy_on_request(handle)
  local header = handle:headers():get("authorization") or ""
  local payload = header:match("^Bearer [^.]+%.([^.]+)%.")
  if not payload or not decoded(payload):find('"role":"admin"', 1, true) then
    handle:respond({[":status"] = "403"}, "denied")
  end
end
