function decide(handle)
  if handle:headers():get(":method") ~= "POST" or path(handle) ~= "/notes" then return false end
  local note, body = parse(handle)
  note.values.owner = assert(claims(handle).sub)
  write(handle, body, note)
  return true
end
