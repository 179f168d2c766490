package schema

import (
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// Bounds of the file's settings, and what holds where it says nothing.
const (
	maxBody  = 256 << 20 // a wasm memory never shrinks
	maxDepth = 512       // far below what a recursive reader has stack for in a wasm host
	maxCalls = 1000

	DefaultPrefix       = "/v1/api"
	DefaultCluster      = "rulegate-companion"
	DefaultTimeout      = 500 * time.Millisecond
	DefaultRequestBody  = 1 << 20
	DefaultResponseBody = 4 << 20
	DefaultDepth        = 64
	DefaultCalls        = 32
	DefaultRefresh      = 10 * time.Minute
	DefaultMaxStale     = 24 * time.Hour
	DefaultBodyTimeout  = 10 * time.Second // less than the host's own limit for a silent stream
)

var (
	Operations     = []string{"create", "read", "update", "delete", "aggr"}
	FileOperations = []string{"read", "create", "delete"}
	databaseTypes  = []string{"mongo", "sql-postgres", "sql-mysql", "embedded"}
)

var (
	ruleShape     = &shape{kind: aRule, about: "The rule that decides. Only yes lets a request through."}
	responseShape = &shape{kind: aRule, about: "The rule that decides about the upstream's response. Only yes lets it out."}
)

var authShape = oneOf("Whether a token is needed. Where it is left out: a top-level allow or deny does not look at the token, every other rule needs a valid one.",
	"required", "optional", "none").orElse(
	objectOf("A token of one of these is needed.",
		need("providers", listOf("Names of entries of auth.tokens.", aText("")).atLeast(1))))

func rulesOf(about string, operations []string, rule *shape) *shape {
	s := objectOf(about)
	for _, op := range operations {
		s.keys = append(s.keys, may(op, rule))
	}
	return s
}

// model is the whole file.
var model = objectOf("A rulegate policy: who may do what, decided inside the proxy.",
	may("project", aText("The {project} of the paths of services, databases and files.")),
	may("gateway", aText("`id` of service tokens. Default: the host's name.")),
	may("apiPrefix", aText("What stands before {project} in these paths. Default: /v1/api.")),
	may("auth", authSection),
	may("crypto", objectOf("Keys of encrypt, decrypt and hmac-sha256.",
		may("aesKey", aText("Base64 of 16, 24 or 32 bytes.")))),
	may("companion", objectOf("Where queries and webhooks are sent.",
		may("cluster", aText("The proxy's cluster of the companion. Default: rulegate-companion.")),
		may("timeout", aSpan("How long its answer is waited for. Default: 500ms.")),
		may("secret", aText("What the keys between module and companion are derived from. Default: the primary token secret, where that is an HS one.")),
		may("secrets", listOf("During a rotation: the new one, then the old one.", aText("")).atLeast(1).atMost(2)))),
	may("limits", objectOf("What a request may take.",
		may("requestBody", aSize("Longest body that a rule reads. Default: 1MiB.", 1, maxBody)),
		may("responseBody", aSize("Longest response that a rule rewrites. Default: 4MiB.", 1, maxBody)),
		may("depth", aNumber("Arrays and objects inside each other. Default: 64.", 1, maxDepth)),
		may("calls", aNumber("Queries and webhooks for one request. Default: 32.", 1, maxCalls)),
		may("bodyTimeout", aSpan("How long the whole of a body is waited for that a rule reads or rewrites, of a request and of a response. Default: 10s.")))),
	may("mode", oneOf("enforce: what is denied is refused.", "enforce", "shadow")),
	may("routes", listOf("The most specific match decides, whatever the order. What none covers is denied.", routeShape)),
	may("services", tableOf("Space Cloud's remote services: POST {apiPrefix}/{project}/services/{service}/{endpoint}.",
		objectOf("", need("endpoints", tableOf("", objectOf("",
			may("auth", authShape), need("rule", ruleShape), may("response", responseShape))))))),
	may("databases", tableOf("Databases: rules for POST {apiPrefix}/{project}/crud/{db}/{collection}/{operation}, and what query rules may read.",
		objectOf("",
			need("type", oneOf("What it is. Query rules read sql-postgres, sql-mysql (MariaDB too) and embedded (SQLite) ones.", databaseTypes...)),
			may("conn", aText("Connection string; the companion alone reads it. A URL for PostgreSQL, user:password@tcp(host:port)/database for MySQL, mongodb://host/database for MongoDB, a path for SQLite.")),
			may("pool", poolShape),
			may("collections", tableOf("Rules by collection; those of `default` step in, operation by operation, for what a collection does not list.",
				objectOf("", may("auth", authShape), need("rules", rulesOf("Rules by operation.", Operations, ruleShape)),
					may("response", rulesOf("Rules on the response, by operation.", Operations, responseShape)))))))),
	may("webhooks", objectOf("",
		may("allow", listOf("Hosts that webhook rules may call, with a port or for every port.", aText(""))),
		may("ca", aText("PEM: certificates that a host's is checked against. Default: the system's. The companion alone reads this and what follows.")),
		may("cert", aText("PEM: what is shown to a host that asks for a certificate.")),
		may("key", aText("PEM: the certificate's key.")),
		may("pool", poolShape))),
	may("files", listOf("Rules for {apiPrefix}/{project}/files/…: the longest prefix decides.",
		objectOf("",
			need("prefix", aText("A path below files, such as /users/:id.")),
			may("auth", authShape),
			need("rules", rulesOf("Rules by operation: GET reads, POST creates, DELETE deletes.", FileOperations, ruleShape)),
			may("response", rulesOf("Rules on the response, by operation.", FileOperations, responseShape))))),
)

// poolShape is read by the companion alone.
var poolShape = objectOf("What the companion does there at once; for webhooks, at each host.",
	may("size", aNumber("Calls that run, and the connections for them. Default: 32.", 1, 1000)),
	may("queue", aNumber("Calls that wait for their turn; one more is refused. Default: 256.", 1, 100000)))

var routeShape = objectOf("",
	may("name", aText("For logs and metrics.")),
	need("match", objectOf("What it covers.",
		may("methods", listOf("Default: all. HEAD is decided as GET.", aText("")).atLeast(1)),
		may("host", aText("A host name, or *. and the end of one. Default: all.")),
		need("path", aText("A path; {x} is one segment, {x...} at the end the rest.")))),
	may("auth", authShape),
	need("rule", ruleShape),
	may("response", responseShape))

var authSection = objectOf("Tokens: who signs them, where they are, what becomes of them.",
	may("tokens", listOf("Keys that tokens are verified with.", objectOf("",
		may("name", aText("What providers and logs call it.")),
		may("alg", oneOf("The one algorithm that the key is for.", keys.Names()...)),
		may("secret", aText("For HS256, HS384, HS512.")),
		may("publicKey", aText("PEM, for the other algorithms.")),
		may("privateKey", aText("PEM; a primary of these algorithms signs with it.")),
		may("jwks", objectOf("A JWK set (RFC 7517), written here or fetched.",
			may("keys", listOf("The set's keys.", &shape{kind: table})),
			may("url", aText("Where the set is fetched: https://…, or http://… for development.")),
			may("cluster", aText("The proxy's cluster of the URL's host. Default: the host, with its port where the URL has one.")),
			may("refresh", aSpan("How long a set is fresh, 1s to 24h, where its issuer does not say so itself (Cache-Control). Default: 10m.")),
			may("maxStale", aSpan("How much longer it serves while its issuer is away. Default: 24h.")))),
		may("kid", aText("The key's id. Default: base64 of the SHA-256 of its text.")),
		may("issuer", listOf("`iss` has to be one of these.", aText("")).atLeast(1)),
		may("audience", listOf("`aud` has to have one of these.", aText("")).atLeast(1)),
		may("primary", aFlag("This key signs service tokens and tokens with claims for webhooks."))))),
	may("from", listOf("Where a token is looked for. Default: the authorization header, as a bearer token.", objectOf("",
		may("header", aText("A header's name.")),
		may("prefix", aText("What stands before the token in the header.").orEmpty()),
		may("cookie", aText("A cookie's name.")),
		may("origins", listOf("Whose pages may send the cookie's token with other requests than GET, HEAD, OPTIONS and TRACE, such as https://app.example. Default: nobody's.", aText("")).atLeast(1)),
		may("query", aText("A query parameter's name.")))).atLeast(1)),
	may("leeway", aSpan("How far clocks may differ. Default: 0s.")),
	may("requireExpiry", aFlag("Refuse tokens without exp.")),
	may("claimsToHeaders", tableOf("Headers that are set to a claim, by its dotted path, arrays as JSON; a client's own are taken away.", aText(""))),
	may("forward", aFlag("Keep the token in what goes upstream. Default: true.")))
