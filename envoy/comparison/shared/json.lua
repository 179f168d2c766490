-- Reads and writes JSON, as a script of Envoy's Lua filter has to do that changes a
-- body. The order of keys and the spelling of numbers are lost; the module keeps both.
local escapes = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t"}
local decode

local function utf8(hex)
  local c = tonumber(hex, 16)
  if c < 0x80 then return string.char(c) end
  if c < 0x800 then return string.char(0xc0 + math.floor(c / 64), 0x80 + c % 64) end
  return string.char(0xe0 + math.floor(c / 4096), 0x80 + math.floor(c / 64) % 64, 0x80 + c % 64)
end

local function text(s, i)
  local parts, from = {}, i + 1
  while true do
    local at = s:find('["\\]', from)
    if not at then error("unterminated string") end
    parts[#parts + 1] = s:sub(from, at - 1)
    if s:byte(at) == 34 then return table.concat(parts), at + 1 end
    local c = s:sub(at + 1, at + 1)
    if c == "u" then
      parts[#parts + 1] = utf8(s:sub(at + 2, at + 5))
      from = at + 6
    else
      parts[#parts + 1] = escapes[c] or c
      from = at + 2
    end
  end
end

local function skip(s, i) return s:find("%S", i) end

local function array(s, i)
  local out, n = {array = true}, 0
  i = skip(s, i + 1)
  if s:byte(i) == 93 then return out, i + 1 end
  while true do
    n = n + 1
    out[n], i = decode(s, i)
    i = skip(s, i)
    local c = s:byte(i)
    if c == 93 then return out, i + 1 end
    if c ~= 44 then error("want , or ]") end
    i = skip(s, i + 1)
  end
end

local function object(s, i)
  local out, key = {}, nil
  i = skip(s, i + 1)
  if s:byte(i) == 125 then return {values = out}, i + 1 end
  while true do
    key, i = text(s, i)
    i = skip(s, i)
    if s:byte(i) ~= 58 then error("want :") end
    out[key], i = decode(s, skip(s, i + 1))
    i = skip(s, i)
    local c = s:byte(i)
    if c == 125 then return {values = out}, i + 1 end
    if c ~= 44 then error("want , or }") end
    i = skip(s, i + 1)
  end
end

local null = {}

function decode(s, i)
  local c = s:byte(i)
  if c == 34 then return text(s, i) end
  if c == 123 then return object(s, i) end
  if c == 91 then return array(s, i) end
  if s:sub(i, i + 3) == "true" then return true, i + 4 end
  if s:sub(i, i + 4) == "false" then return false, i + 5 end
  if s:sub(i, i + 3) == "null" then return null, i + 4 end
  local number, last = s:match("^(-?[%d.eE+-]+)()", i)
  return tonumber(number), last
end

-- parse returns the document in a body, and the body.
function parse(handle)
  local body = handle:body()
  local s = body:getBytes(0, body:length())
  local doc, last = decode(s, skip(s, 1))
  if skip(s, last) then error("text after the end") end
  return doc, body
end

local quoted = {['"'] = '\\"', ["\\"] = "\\\\"}

local function quote(s)
  return '"' .. s:gsub('[%c"\\]', function(c) return quoted[c] or string.format("\\u%04x", c:byte()) end) .. '"'
end

local function encode(v, out)
  if v == null then
    out[#out + 1] = "null"
  elseif type(v) == "string" then
    out[#out + 1] = quote(v)
  elseif type(v) == "number" then
    out[#out + 1] = string.format("%.14g", v)
  elseif type(v) == "boolean" then
    out[#out + 1] = tostring(v)
  elseif v.array then
    for i, x in ipairs(v) do
      out[#out + 1] = i == 1 and "[" or ","
      encode(x, out)
    end
    out[#out + 1] = #v == 0 and "[]" or "]"
  else
    local before = "{"
    for key, x in pairs(v.values) do
      out[#out + 1] = before .. quote(key) .. ":"
      encode(x, out)
      before = ","
    end
    out[#out + 1] = before == "{" and "{}" or "}"
  end
end

function write(handle, body, value)
  local out = {}
  encode(value, out)
  local length = body:setBytes(table.concat(out))
  handle:headers():replace("content-length", tostring(length))
end
