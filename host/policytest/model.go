package policytest

import (
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
)

// Schema is the JSON Schema of a file with tests.
func Schema() value.Value { return schema.JSONOf("rulegate policy tests", model()) }

// model is the whole file.
func model() *schema.Shape {
	return schema.Object("Tests of a rulegate policy. `rulegate test` runs them.",
		schema.May("policy", schema.Text("The policy, relative to this file. Default: the name of this file without `_test`, else policy.yaml.")),
		schema.May("env", schema.Mapping("Variables for `${NAME}` in the policy, beside those of the environment.", schema.Text("").MayBeEmpty())),
		schema.May("now", schema.Text("The time of the requests, in RFC 3339.").ByDefault(DefaultNow)),
		schema.May("who", schema.Mapping("Users by name: the claims of a token that the policy accepts, or {token: …} with a token to be verified; beside it `active`, the claims with which an issuer answers about an opaque token, or `fails` and `delay`. `nobody` has no token.",
			schema.Mapping("Claims, or a token.", nil))),
		schema.May("data", dataShape()),
		schema.May("webhooks", webhooksShape()),
		schema.Need("tests", schema.List("The tests, each with one request or with a list of variations.", testShape()).AtLeast(1)),
	)
}

func dataShape() *schema.Shape {
	rows := schema.List("Rows, in which {$date: …} and {$oid: …} are dates and ObjectIDs.", schema.Mapping("A row.", nil))
	table := schema.Object("Rows that come late, or a failure.",
		schema.May("rows", schema.List("Rows.", schema.Mapping("A row.", nil)).OrElse(schema.Text("A file with rows: .json, .yaml or .csv."))),
		schema.May("fails", failsShape()),
		schema.May("delay", delayShape()))
	return schema.Mapping("What queries find, by `database.collection`: rows, a file with rows, or a failure. The conditions mean what they mean to the companion.",
		rows.OrElse(schema.Text("A file with rows, relative to this one: .json, .yaml or .csv.").OrElse(table)))
}

// tokenShape is a user with a token of its own.
func tokenShape() *schema.Shape {
	return schema.Object("",
		schema.Need("token", schema.Text("")),
		schema.May("active", schema.Mapping("The claims with which the issuer answers about an opaque token.", nil)),
		schema.May("fails", failsShape()),
		schema.May("delay", delayShape()))
}

func webhooksShape() *schema.Shape {
	return schema.Mapping("The answers of webhooks, by their URL in the policy, without variables.", schema.Object("",
		schema.May("status", schema.Integer("The status.", 100, 599).ByDefault("200")),
		schema.May("json", schema.Anything("The body, as JSON.")),
		schema.May("body", schema.Text("The body, as text.").MayBeEmpty()),
		schema.May("fails", failsShape()),
		schema.May("delay", delayShape())))
}

func failsShape() *schema.Shape {
	return schema.OneOf("How the call fails.", failures...)
}

func delayShape() *schema.Shape {
	return schema.Duration("The time before the answer. From the policy's companion.timeout on, it is too late.")
}

func testShape() *schema.Shape {
	each := schema.List("Variations: each is the test with the members that the variation has.",
		schema.Object("", parts("The name. Default: `as` and `request`, as far as they stand here, else the number.")...)).AtLeast(1)
	return schema.Object("", append(parts("The name, which no other test of the file has."), schema.May("each", each))...)
}

// parts are the members of a test and of a variation.
func parts(name string) []schema.Key {
	return []schema.Key{
		schema.May("name", schema.Text(name)),
		schema.May("as", schema.Text("A user of `who`, or nobody.").ByDefault(Nobody)),
		schema.May("request", schema.Text("The method and the path: GET /v1/todos/7.")),
		schema.May("host", schema.Text("The host.").ByDefault("localhost")),
		schema.May("scheme", schema.OneOf("The scheme.", "http", "https").ByDefault("http")),
		schema.May("headers", schema.Mapping("Headers: a text, or a list of texts for a repeated header.", textsShape())),
		schema.May("query", schema.Mapping("Query parameters, which are added to the path: a text, or a list of texts.", scalarsShape())),
		schema.May("cookies", schema.Mapping("Cookies.", schema.Text("").MayBeEmpty())),
		schema.May("json", schema.Anything("The body, as JSON.")),
		schema.May("form", schema.Mapping("The body, as a form: a text, or a list of texts.", scalarsShape())),
		schema.May("body", schema.Text("The body, as text. Its content-type stands in headers.").MayBeEmpty()),
		schema.May("ip", schema.Text("The address of the client.").ByDefault("127.0.0.1")),
		schema.May("peer", schema.Object("The client certificate that the proxy verified.",
			schema.May("uriSan", schema.Text("The first URI among its names.")),
			schema.May("dnsSan", schema.Text("The first DNS name among its names.")),
			schema.May("subject", schema.Text("Its subject.")),
			schema.May("sha256", schema.Text("Its SHA-256, as args.peer.sha256 has it.")))),
		schema.May("now", schema.Text("The time of the request.")),
		schema.May("data", dataShape()),
		schema.May("webhooks", webhooksShape()),
		schema.May("response", schema.Object("The upstream's response. Without it, the rules on the response are not tested.",
			schema.May("status", schema.Integer("The status.", 200, 599).ByDefault("200")),
			schema.May("headers", schema.Mapping("Headers: a text, or a list of texts.", textsShape())),
			schema.May("json", schema.Anything("The body, as JSON.")),
			schema.May("body", schema.Text("The body, as text.").MayBeEmpty()))),
		schema.May("want", wantShape()),
	}
}

// textsShape is a text, or a list of texts.
func textsShape() *schema.Shape {
	return schema.Text("").MayBeEmpty().OrElse(schema.List("", schema.Text("").MayBeEmpty()))
}

// scalarsShape is a text, a number or a bool, or a list of these.
func scalarsShape() *schema.Shape { return schema.Anything("") }

func wantShape() *schema.Shape {
	whole := schema.Object("What must come out. What is left out is not compared.",
		schema.May("status", statusShape()),
		schema.May("error", schema.Text("The text of `error` in the answer to a refused client.").MayBeEmpty()),
		schema.May("reason", schema.Text("A part of the reason of a refusal, which the log shows.")),
		schema.May("clause", schema.Text("The name or the place of the clause that refused.")),
		schema.May("route", schema.Text("The name of the route, or other resource of the policy, that decides.")),
		schema.May("upstream", schema.Object("The request as the upstream gets it.",
			schema.May("method", schema.Text("The method.")),
			schema.May("path", schema.Text("The path, without the query.")),
			schema.May("query", schema.Mapping("All query parameters: a text, or a list of texts.", scalarsShape())),
			schema.May("headers", wantHeaders()),
			schema.May("json", schema.Anything("The body, as JSON.")),
			schema.May("form", schema.Mapping("The body, as a form: a text, or a list of texts.", scalarsShape())),
			schema.May("body", schema.Text("The body, as text.").MayBeEmpty()))),
		schema.May("headers", wantHeaders()),
		schema.May("json", schema.Anything("The body that the client gets, as JSON. In an object, a member `...` allows other members; a member that is null beside it must be absent.")),
		schema.May("body", schema.Text("The body that the client gets, as text.").MayBeEmpty()),
		schema.May("calls", schema.List("All calls that are made, in any order: `database.collection` or a URL.", schema.Text("")).
			OrElse(schema.Mapping("Calls by `database.collection` or URL: true if it must be made, false if not, or what it must ask. Others may be made.", callShape()))),
	)
	return statusShape().OrElse(whole)
}

func statusShape() *schema.Shape {
	return schema.OneOf("allow: the request, and its response if there is one, pass. deny: they do not. Or the status that the client gets.", "allow", "deny").
		OrElse(schema.Integer("", 100, 599))
}

func wantHeaders() *schema.Shape {
	return schema.Mapping("Headers: a text, a list of texts for a repeated one, null for one that must be absent. Others are not compared.", schema.Anything(""))
}

func callShape() *schema.Shape {
	asked := schema.Object("",
		schema.May("find", schema.Anything("The conditions of a query, with their values.")),
		schema.May("json", schema.Anything("The body of a webhook.")),
		schema.May("claims", schema.Mapping("The claims of the token that a webhook gets, where its rule has `claims`.", nil)),
		schema.May("headers", schema.Mapping("Headers that the rule adds to a webhook; null for one that must be absent.", schema.Anything(""))),
		schema.May("times", schema.Integer("How often the call is made.", 1, 1000)))
	return schema.Boolean("").OrElse(asked)
}
