package role

import data.shared

default allow := false

allow if {
	startswith(shared.path, "/admin/")
	shared.claims.role == "admin"
}

allow if {
	not startswith(shared.path, "/admin/")
	shared.claims
}
