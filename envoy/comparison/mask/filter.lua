function decide(handle)
  return handle:headers():get(":method") == "GET" and path(handle) == "/people"
end

local function mask(handle)
  if handle:headers():get(":status") ~= "200" or claims(handle).role == "payroll" then return end
  local answer, body = parse(handle)
  assert(answer.values.people.array)
  for _, person in ipairs(answer.values.people) do person.values.salary = nil end
  write(handle, body, answer)
end

function envoy_on_response(handle)
  if pcall(mask, handle) then return end
  handle:headers():replace(":status", "502")
  handle:body(true):setBytes("")
end
