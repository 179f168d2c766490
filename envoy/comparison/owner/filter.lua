function decide(handle)
  return path(handle):match("^/users/([^/]+)") == claims(handle).sub
end
