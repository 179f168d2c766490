# The claims of a token that is valid; undefined for any other.
package shared

claims := payload if {
	token := trim_prefix(input.attributes.request.http.headers.authorization, "Bearer ")
	[valid, _, payload] := io.jwt.decode_verify(token, {"cert": opa.runtime().env.KEYS, "iss": "https://id.example"})
	valid
}

# The path without its query.
path := split(input.attributes.request.http.path, "?")[0]
