package tenant

import data.shared

default allow := false

allow if {
	["", "t", tenant] = array.slice(split(shared.path, "/"), 0, 3)
	tenant in shared.claims.tenants
}
