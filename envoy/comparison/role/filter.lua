function decide(handle)
  return not path(handle):find("^/admin/") or claims(handle).role == "admin"
end
