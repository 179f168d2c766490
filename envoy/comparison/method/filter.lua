local roles = {GET = {viewer = true, editor = true}, POST = {editor = true}, PUT = {editor = true}, DELETE = {editor = true}}

function decide(handle)
  return roles[handle:headers():get(":method")][claims(handle).role]
end
