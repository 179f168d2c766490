package schema

// The shapes of rules, for the schema alone: rules.Compile reads rules, and a
// test holds the two together.

var (
	anyValue = &shape{kind: anything}
	aPath    = aText("A path that starts with args.")
	aCache   = aText("How old an answer may be, such as 5s.")
	aFields  = aText("A path to what is changed.").orEmpty().orElse(listOf("Paths to what is changed.", aText("")))
	aGuard   = may("clause", ruleShape)

	commonFields = []key{
		need("rule", aText("")),
		may("name", aText("For logs, traces and metrics.").orEmpty()),
		may("error", aText("What a denied client is told.").orEmpty()),
	}
)

func ruleOf(name string, keys ...key) key { return key{name: name, shape: objectOf("", keys...)} }

var ruleShapes = []key{
	ruleOf("allow"),
	ruleOf("authenticated"),
	ruleOf("deny"),
	ruleOf("match",
		need("type", oneOf("", "string", "number", "bool", "date", "ip")),
		need("eval", oneOf("", "==", "!=", "<", "<=", ">", ">=", "in", "notIn", "startsWith", "endsWith", "contains")),
		need("f1", anyValue), need("f2", anyValue)),
	ruleOf("and", need("clauses", listOf("", ruleShape).atLeast(1))),
	ruleOf("or", need("clauses", listOf("", ruleShape).atLeast(1))),
	ruleOf("query",
		need("db", aText("A name from databases.")), need("col", aText("A table or collection.")),
		may("find", &shape{kind: table, about: "MongoDB's query syntax; without it, every row."}),
		aGuard, may("store", aPath), may("cache", aCache)),
	ruleOf("webhook",
		need("url", aText("An http or https URL of a host in webhooks.allow.")), may("store", aPath),
		may("claims", &shape{kind: table, about: "Of a token that is minted in place of the user's."}),
		may("body", anyValue), may("cache", aCache)),
	ruleOf("force", need("field", aText("A path to what is set.")), need("value", anyValue), aGuard),
	ruleOf("remove", need("fields", aFields), aGuard),
	ruleOf("encrypt", need("fields", aFields), may("algorithm", oneOf("", "aes-cfb", "aes-gcm")), aGuard),
	ruleOf("decrypt", need("fields", aFields), may("algorithm", oneOf("", "aes-cfb", "aes-gcm")), aGuard),
	ruleOf("hash", need("fields", aFields), may("algorithm", oneOf("", "sha256", "hmac-sha256")),
		may("encoding", oneOf("", "base64", "hex")), aGuard),
	ruleOf("filter",
		need("field", aText("A path to an array.")), need("clause", ruleShape),
		may("onUnknown", oneOf("What an element does about which the clause says unknown: block the request or the response, or drop out.", "block", "drop"))),
}
