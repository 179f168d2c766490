function decide(handle)
  local tenant = path(handle):match("^/t/([^/]+)")
  for _, mine in ipairs(claims(handle).tenants) do
    if mine == tenant then return true end
  end
end
