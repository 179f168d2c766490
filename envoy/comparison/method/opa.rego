package method

import data.shared

default allow := false

allow if {
	input.attributes.request.http.method == "GET"
	shared.claims.role in {"viewer", "editor"}
}

allow if {
	input.attributes.request.http.method in {"POST", "PUT", "DELETE"}
	shared.claims.role == "editor"
}
