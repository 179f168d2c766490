package fields

import data.shared

default allow := false

profile if {
	input.attributes.request.http.method == "PATCH"
	shared.path == "/profile"
	shared.claims
}

allow if {
	profile
	object.keys(input.parsed_body) - {"name", "bio"} == set()
}

allow if {
	profile
	shared.claims.role == "admin"
}
