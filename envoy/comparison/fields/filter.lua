function decide(handle)
  if handle:headers():get(":method") ~= "PATCH" or path(handle) ~= "/profile" then return false end
  if claims(handle).role == "admin" then return true end
  for field in pairs(parse(handle).values) do
    if field ~= "name" and field ~= "bio" then return false end
  end
  return true
end
