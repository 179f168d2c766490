package api_key

import data.shared

clients := {
	"20f03f9b9b50f0e4d02549f151bcfdf21f6122673088163251b9be2792f0efb9": "acme",
	"2aebb6d4d7154e5e14aae306d3b4cc0c330ef56bbd56fb0010cb2b45ad42fadc": "globex",
}

client := clients[crypto.sha256(input.attributes.request.http.headers["x-api-key"])]

default allow := false

allow if {
	shared.path == "/prices"
	client
}

allow if {
	shared.path == "/history"
	client == "globex"
}

headers["x-client"] := client
