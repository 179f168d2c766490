//go:build !wasip1

package schema

// The shapes of rules are for the JSON Schema only: rules.Compile checks rules. A
// test compares the two.

var (
	anyValue = &shape{kind: anything}
	operand  = (&shape{kind: anything}).mayBePath()
	aPath    = aText("A path that starts with args.")
	aCache   = aText("How old a reply may be, such as 5s.")
	aFields  = aText("A path to the value to change.").mayBeEmpty().orElse(listOf("Paths to the values to change.", aText("")))
	aGuard   = may("clause", ruleShape)
	anArray  = need("field", aText("A path to an array."))
	noValue  = may("optional", aBoolean("Whether there is nothing to do where there is no value."))

	commonFields = []key{
		need("rule", aText("")),
		may("name", aText("A name for logs, traces and metrics.").mayBeEmpty()),
		may("status", anInteger("The status of a client whom the rule denies, instead of 403.", 400, 499)),
		may("error", aText("The message that a denied client gets.").mayBeEmpty()),
	}
)

func ruleOf(name string, keys ...key) key { return key{name: name, shape: objectOf("", keys...)} }

var ruleShapes = []key{
	ruleOf("allow"),
	ruleOf("authenticated"),
	ruleOf("deny"),
	ruleOf("match",
		need("type", oneOf("", "string", "number", "bool", "date", "ip", "any")),
		need("eval", oneOf("", "==", "!=", "<", "<=", ">", ">=", "in", "notIn", "startsWith", "endsWith", "contains", "matches")),
		need("f1", operand), need("f2", operand)),
	ruleOf("and", need("clauses", listOf("", ruleShape).atLeast(1))),
	ruleOf("or", need("clauses", listOf("", ruleShape).atLeast(1))),
	ruleOf("not", need("clause", ruleShape)),
	ruleOf("some", anArray, need("clause", ruleShape)),
	ruleOf("every", anArray, need("clause", ruleShape)),
	ruleOf("query",
		need("db", aText("A name from databases.")), need("col", aText("A table or collection.")),
		may("find", &shape{kind: mapping, about: "The condition in MongoDB's query syntax. Default: every row."}),
		aGuard, may("store", aPath), may("cache", aCache)),
	ruleOf("webhook",
		need("url", aText("An http or https URL of a host in webhooks.allow.")), may("store", aPath),
		may("claims", &shape{kind: mapping, about: "Claims of a token that is minted and sent instead of the user's."}),
		may("body", anyValue), may("headers", &shape{kind: mapping, about: "Headers beside those of every webhook."}), may("cache", aCache)),
	ruleOf("force", need("field", aText("A path to the value to set.").mayBePath()), need("value", operand), aGuard),
	ruleOf("remove", need("fields", aFields), aGuard, noValue),
	ruleOf("keep", need("field", aText("A path to an object.")),
		need("keys", aText("A path to an array of the keys to keep.").orElse(listOf("The keys to keep.", aText("").mayBeEmpty()))), aGuard, noValue),
	ruleOf("encrypt", need("fields", aFields), may("algorithm", oneOf("", "aes-cfb", "aes-gcm")), aGuard, noValue),
	ruleOf("decrypt", need("fields", aFields), may("algorithm", oneOf("", "aes-cfb", "aes-gcm")), aGuard, noValue),
	ruleOf("hash", need("fields", aFields), may("algorithm", oneOf("", "sha256", "hmac-sha256")),
		may("encoding", oneOf("", "base64", "hex")), aGuard, noValue),
	ruleOf("filter",
		anArray, need("clause", ruleShape),
		may("onUnknown", oneOf("An element for which the clause is unknown blocks the request or the response, or is dropped.", "block", "drop"))),
	ruleOf("each", anArray, need("clauses", listOf("", ruleShape).atLeast(1)),
		may("members", aBoolean("Whether the elements are the values of an object.")), noValue),
	ruleOf("use", need("of", aText("The name of a rule in define."))),
}
