package amount

import data.shared

default allow := false

allow if {
	input.attributes.request.http.method == "POST"
	shared.path == "/orders"
	is_number(input.parsed_body.amount)
	is_number(shared.claims.limit)
	input.parsed_body.amount >= 0
	input.parsed_body.amount <= shared.claims.limit
}
