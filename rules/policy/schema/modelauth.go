//go:build !wasip1

package schema

import "github.com/rulegate/rulegate/rules/token/keys"

var authShape = oneOf("Whether a token is needed. Where it is left out, every rule needs a valid token but a top-level allow or deny, which reads none.",
	"required", "optional", "none").orElse(
	objectOf("Whose tokens count, and whether one is needed.",
		may("providers", listOf("Names of entries of auth.tokens that have to accept the token. Needed, unless optional or bound is there.", aText("")).atLeast(1)),
		may("optional", aBoolean("A request without a token passes, and args.auth is absent.").byDefault("false")),
		may("invalid", oneOf("With optional: refuse a token that is not valid, or ignore it, as if there were none. While its keys cannot be fetched, the answer is 503 all the same.", "refuse", "ignore").byDefault("refuse")),
		may("bound", oneOf("required: a token has to be bound to the client's certificate (RFC 8705), which the proxy has verified.", "required"))))

var authSection = objectOf("Tokens: the keys that verify them, their place in a request, and their claims in headers.",
	may("tokens", listOf("Keys that verify tokens, and API keys.", tokenShape)),
	may("from", listOf("Places of a token in a request. All are looked at, and two different tokens, or a token and an API key, are refused. Default: the authorization header, as a bearer token.", fromShape).atLeast(1)),
	may("leeway", aDuration("By how much clocks may differ, for exp, nbf and iat.").byDefault("30s")),
	may("requireExpiry", aBoolean("Refuse tokens without exp.").byDefault("false")),
	may("claimsToHeaders", mappingOf("Headers to set to a claim, by the path of the claim, such as realm.roles or ['https://example.com/roles']. An array is one header of JSON; an object denies the request. A client's own headers of these names are removed.", aText(""))),
	may("forward", aBoolean("Keep the token, or the API key, in the request to the upstream.").byDefault("true")),
	may("challenge", objectOf("Parameters of WWW-Authenticate in a 401, which tell clients where to get a token.",
		may("realm", aText("The realm.")),
		may("scope", aText("The scopes that a token needs, with one space between them.")),
		may("resourceMetadata", aText("The URL of the OAuth metadata of this resource (RFC 9728), which MCP clients need.")))))

var tokenShape = objectOf("",
	may("name", aText("The name of the key in `providers` and in logs.")),
	may("alg", oneOf("The only algorithm that the key is used with. A JWK set needs none: then each of its keys has its own.", append(keys.Names(), keys.Ed25519)...)),
	may("secret", aText("The key of HS256, HS384 and HS512.")),
	may("secretBase64", aText("Instead of secret, where its bytes are no text: the bytes in base64, with padding.")),
	may("publicKey", aText("PEM: the key of the other algorithms.")),
	may("privateKey", aText("PEM: the key that a primary of the other algorithms signs with.")),
	may("jwks", jwksShape),
	may("oidc", oidcShape),
	may("apiKeys", apiKeysShape),
	may("introspect", introspectShape),
	may("cache", aDuration("With introspect: how long the issuer's answer counts, but not beyond the exp in it. 0: it is asked for each request.").byDefault("0s")),
	may("kid", aText("The key's id. Default: base64 of the SHA-256 of the secret or the public key, as in Space Cloud.")),
	may("issuer", listOf("`iss` must be one of these. Default: any.", aText("")).atLeast(1)),
	may("audience", listOf("`aud` must contain one of these. Default: any.", aText("")).atLeast(1)),
	may("primary", aBoolean("The key that signs service tokens, and the tokens that webhooks with claims carry. At most one.").byDefault("false")),
	may("lint", lintShape))

var jwksShape = objectOf("A JWK set (RFC 7517): its keys, a file, or the URL that it is fetched from.",
	may("keys", listOf("The keys of the set.", &shape{kind: mapping})),
	may("file", aText("The path of a file with the set, which the command reads; a relative path starts at the policy's folder.")),
	may("url", aText("The URL of the set: https://…, or http://… for development.")),
	may("cluster", aText("The proxy's cluster of the URL's host. Default: the host, with its port if the URL has one.")),
	may("refresh", aDuration("The lifetime of a set whose issuer gives none (Cache-Control); at least 1s.").byDefault("10m")),
	may("maxStale", aDuration("How long the set stays in use after its lifetime while the issuer does not answer.").byDefault("24h")))

var oidcShape = aText("Instead of a jwks: the name of an issuer, such as https://id.example, whose metadata (OpenID Connect Discovery) name its JWK set. `iss` must be this name, to the letter.").orElse(
	objectOf("The issuer, and where its metadata and keys are.",
		need("issuer", aText("The name of the issuer.")),
		may("jwksHost", aText("The host of the JWK set, perhaps with a port, where it is not the issuer's.")),
		may("cluster", aText("The proxy's cluster of the issuer's host. Default: the host, with its port if the name has one.")),
		may("jwksCluster", aText("The proxy's cluster of jwksHost. Default: jwksHost.")),
		may("refresh", aDuration("As in jwks.").byDefault("10m")),
		may("maxStale", aDuration("As in jwks.").byDefault("24h"))))

var apiKeysShape = objectOf("Instead of a key of tokens: the API keys of clients, by their hashes. `rulegate token apikey` makes a key and its entry.",
	may("header", aText("The header that an API key comes in, without anything before it.").byDefault(DefaultKeyHeader)),
	need("keys", listOf("The keys.", objectOf("",
		need("sha256", aText("The SHA-256 of the key, in hex. Of a random key it tells nothing, so it is no secret.")),
		need("claims", &shape{kind: mapping, about: "The claims of a request with the key, as args.auth. exp, nbf and iat count as in a token."}))).atLeast(1)))

var introspectShape = objectOf("Instead of a key: the issuer of opaque tokens, which the companion asks about each (RFC 7662). A JWT that another entry accepts is not asked about.",
	need("url", aText("The introspection endpoint: https://…, or http://… for development.")),
	need("clientId", aText("The client that asks.")),
	may("clientSecret", aText("Its secret, which only the companion reads. Needed.")))

var fromShape = objectOf("One of header, cookie and query.",
	may("header", aText("The name of a header.")),
	may("prefix", aText("The text before the token in the header. Default: `Bearer ` in authorization, in other headers none.").mayBeEmpty()),
	may("cookie", aText("The name of a cookie.")),
	may("origins", listOf("The origins, such as https://app.example, whose pages may send the cookie's token with other methods than GET, HEAD, OPTIONS and TRACE. Default: none.", aText("")).atLeast(1)),
	may("query", aText("The name of a query parameter.")),
	may("lint", lintShape))
