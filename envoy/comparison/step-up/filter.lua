function decide(handle)
  return handle:headers():get(":method") == "POST" and path(handle) == "/payments"
    and os.time() - claims(handle).auth_time <= 600
end
