package follower

import data.shared

default allow := false

allow if {
	input.attributes.request.http.method == "GET"
	["", "feeds", user] = split(shared.path, "/")
	query := urlquery.encode_object({"follower": shared.claims.sub, "followee": user})
	http.send({"method": "GET", "url": concat("", [opa.runtime().env.DATA, "/follows?", query])}).status_code == 200
}
