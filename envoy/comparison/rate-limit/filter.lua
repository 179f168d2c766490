function decide(handle)
  handle:headers():replace("x-user", claims(handle).sub)
  return true
end
