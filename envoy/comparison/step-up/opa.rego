package step_up

import data.shared

default allow := false

allow if {
	input.attributes.request.http.method == "POST"
	shared.path == "/payments"
	(time.now_ns() / 1000000000) - shared.claims.auth_time <= 600
}
