function decide(handle)
  local amount = parse(handle).values.amount
  return handle:headers():get(":method") == "POST" and path(handle) == "/orders"
    and amount >= 0 and amount <= claims(handle).limit
end
