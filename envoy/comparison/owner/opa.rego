package owner

import data.shared

default allow := false

allow if {
	["", "users", id] = array.slice(split(shared.path, "/"), 0, 3)
	id == shared.claims.sub
}
