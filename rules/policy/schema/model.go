//go:build !wasip1

package schema

import (
	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/route"
)

var databaseTypes = []string{"mongo", "sql-postgres", "sql-mysql", "embedded"}

// databaseNames are messages about names that people give to databaseTypes.
var databaseNames = map[string]string{
	"sqlite": "`embedded` is SQLite", "sqlite3": "`embedded` is SQLite",
	"postgres": "`sql-postgres` is PostgreSQL", "postgresql": "`sql-postgres` is PostgreSQL", "pg": "`sql-postgres` is PostgreSQL",
	"mysql": "`sql-mysql` is MySQL and MariaDB", "mariadb": "`sql-mysql` is MySQL and MariaDB",
}

// model is the whole file.
var model = objectOf("A rulegate policy: who may do what, decided inside the proxy.",
	may("project", aText("The {project} in the paths of services, events, databases and files, which need it.")),
	may("gateway", aText("The `id` of service tokens. Default: the name of the machine.")),
	may("lint", lintShape),
	may("include", includeShape),
	may("teams", teamsShape),
	may("define", defineShape),
	may("apiPrefix", aText("The beginning of the paths of services, events, databases and files, before {project}.").byDefault(DefaultPrefix)),
	may("auth", authSection),
	may("crypto", objectOf("The key of the rules encrypt and decrypt, and of hash with hmac-sha256.",
		may("aesKey", aText("16, 24 or 32 bytes in base64.")))),
	may("companion", companionSection),
	may("limits", limitsSection),
	may("sensitive", listOf("Paths whose values traces and logs do not show, such as args.auth.email or res.salary. An array on the way means each of its elements. Tokens, cookies and the policy's own secrets are never shown.", aText("").mayBePath())),
	may("log", logSection),
	may("cors", corsShape("Pages of other origins that may read responses (CORS). The proxy answers their preflights. Without this section, no page may.")),
	may("mode", oneOf("enforce refuses denied requests. shadow decides, logs and counts, and lets every request through as it came: it protects nothing.", "enforce", "shadow").byDefault("enforce")),
	may("shadow", aText("A candidate: the file of another policy, which is decided beside this one and never carried out. Differences are counted and logged.").orElse(candidateShape)),
	may("routes", routesShape),
	may("services", servicesShape),
	may("events", eventsShape),
	may("databases", mappingOf("Databases: connections for query rules, and rules for POST {apiPrefix}/{project}/crud/{db}/{collection}/{operation}.", databaseShape)),
	may("webhooks", webhooksSection),
	may("files", filesShape),
	may("zones", mappingOf("The time zones that rules name, as TZif (RFC 9636) in base64. The command adds them for the module.", aText(""))),
)

// included is an included file.
var included = objectOf("A file of a policy that the main file includes.",
	may("define", defineShape),
	may("routes", routesShape),
	may("services", servicesShape),
	may("events", eventsShape),
	may("databases", mappingOf("Rules for collections and prepared queries of databases of the main file.", includedDatabase)),
	may("files", filesShape))

var includedDatabase = objectOf("", may("collections", collectionsShape), may("queries", queriesShape))

var (
	includeShape = listOf("Files with more routes, services, events, collections, queries, files and define: paths or patterns such as teams/*.yaml, relative to this file.", aText("")).atLeast(1)
	defineShape  = mappingOf("Named rules, which {rule: use, of: name} asks. Those of the main file can be used in all files.", ruleShape)
	teamsShape   = mappingOf("Files of other authors, with bounds.", teamShape)
	teamShape    = objectOf("",
		need("include", aText("A file of the team, or a pattern.").orElse(listOf("Files of the team, or patterns.", aText("")).atLeast(1))),
		may("paths", listOf("Paths that the team's rules may cover, as in routes. Default: all.", aText("")).atLeast(1)),
		may("hosts", listOf("Hosts that the team's routes may have, as in routes. Default: all.", aText("")).atLeast(1)),
		may("require", &shape{kind: rule, about: "A rule that is asked before each rule of the team."}))
)

var routesShape = listOf("Rules by method, host and path. The most specific match decides, in any order of the list. A request that no route matches is denied.", routeShape)

var servicesShape = mappingOf("Rules for Space Cloud's remote services: POST {apiPrefix}/{project}/services/{service}/{endpoint}.",
	objectOf("", need("endpoints", mappingOf("Rules by endpoint.", namedShape)), may("lint", lintShape)))

var (
	queriesShape = mappingOf("Rules for prepared queries, by name: POST {apiPrefix}/{project}/crud/{db}/prepared-queries/{name}. The rule of `default` holds for each query that is not listed.", namedShape)
	eventsShape  = mappingOf("Rules for the events that clients queue, by type: POST {apiPrefix}/{project}/eventing/queue. The rule of `default` holds for each type that is not listed.", namedShape)
)

// namedShape is an entry with one rule, which is found by its name.
var namedShape = objectOf("",
	may("auth", authShape), need("rule", ruleShape), may("response", responseShape), may("lint", lintShape))

var filesShape = listOf("Rules for {apiPrefix}/{project}/files/…. The longest prefix decides.",
	objectOf("",
		need("prefix", aText("A path below files, such as /users/:id. `:id` is one segment.")),
		may("auth", authShape),
		need("rules", rulesOf("Rules by operation: GET reads, POST creates, DELETE deletes.", FileOperations, ruleShape)),
		may("response", rulesOf("Rules on the response, by operation.", FileOperations, responseShape)),
		may("lint", lintShape)))

// lintShape switches warnings off at the object that has it, and inside it.
var lintShape = objectOf("Warnings that are not given for this part of the file.",
	need("off", listOf("Codes of warnings. `rulegate check --explain CODE` explains one.", oneOf("", lint.Codes()...)).atLeast(1)),
	need("why", aText("The reason, for the next reader.")))

var companionSection = objectOf("How to reach the companion, which answers queries and webhooks.",
	may("cluster", aText("The proxy's cluster of the companion.").byDefault(DefaultCluster)),
	may("timeout", aDuration("The time for its reply; more than 0.").byDefault("500ms")),
	may("secret", aText("The secret from which the keys between module and companion are derived. Default: the primary token secret, if that is an HS key.")),
	may("secrets", listOf("Instead of secret, during a rotation: the new secret, then the old one.", aText("")).atLeast(1).atMost(2)))

var limitsSection = objectOf("Limits for one request, and for the memory of all.",
	may("requestBody", aSize("The longest body that a rule reads.", 1, maxBody).byDefault(FormatSize(DefaultRequestBody))),
	may("responseBody", aSize("The longest response that a rule reads or changes.", 1, maxBody).byDefault(FormatSize(DefaultResponseBody))),
	may("depth", anInteger("How deep arrays and objects may be nested.", 1, maxDepth).byDefault("64")),
	may("calls", anInteger("How many queries and webhooks one request may cause.", 1, maxCalls).byDefault("32")),
	may("fields", anInteger("How many fields a form may have, and how many parameters a query that a rule reads.", 1, maxFields).byDefault("1000")),
	may("steps", anInteger("The work that one evaluation of a rule may do, in steps of some 40 ns in Envoy: the default is about 30 ms. A clause is a step, a visit of an element three, a hash 80; so are 4 bytes of a JSON text that is taken apart, 8 bytes that a pattern reads, 128 bytes of a text that is compared or copied. A rule that needs more is unknown and answered with 503, a response whose actions need more with 502.", minSteps, maxSteps).byDefault("750000")),
	may("memory", aSize("What the bodies of all requests and responses may take in one VM, of which a proxy has one for each worker thread. A body takes three times its length while a rule works with it. One that does not fit is refused with 503 before it is read. At least three times the longer of requestBody and responseBody, which is the default if that is more.", 1, maxMemory).byDefault(FormatSize(DefaultMemory))),
	may("bodyTimeout", aDuration("The time for a whole body that a rule reads or changes; more than 0.").byDefault("10s")),
	may("idle", aDuration("How long a request that was let through may be silent in both directions, as server-sent events and WebSockets are; more than 0. The proxy ends it then.").byDefault("5m")))

// Outcomes are the words for decisions, as package decide has them.
var Outcomes = []string{"yes", "no", "unknown", "error", "token", "invalid", "uncovered", "blocked", "memory", "steps"}

// Sinks are the places that the module writes decisions to.
var Sinks = []string{"log", "metadata"}

var logSection = objectOf("The decision log: one JSON object a decision. Without this section there is none.",
	may("claims", listOf("Claims that are logged, as in auth.claimsToHeaders: id, realm.roles.", aText("")).atMost(32)),
	may("body", listOf("Parts of the request that are logged where the rule reads them, such as args.params.order or args.request.query.page.", aText("").mayBePath()).atMost(32)),
	may("sample", aFraction("The part of the decisions that is logged, from 0 to 1.").byDefault("1")),
	may("always", listOf("Outcomes that are logged whatever sample says.", oneOf("", Outcomes...)).byDefault("[no, unknown, error]")),
	may("to", listOf("Where the module writes them: log is the proxy's log, metadata the access log.", oneOf("", Sinks...)).atLeast(1).byDefault("[log, metadata]")))

var candidateShape = objectOf("A candidate, and the calls that it may make. A decision that needs others counts as not decided.",
	need("policy", aText("The file of the candidate, relative to this one.")),
	may("webhooks", aBoolean("The candidate calls webhooks: their servers are called twice.").byDefault("false")),
	may("queries", aBoolean("The candidate makes queries, and asks the issuers of opaque tokens.").byDefault("false")))

var databaseShape = objectOf("",
	need("type", oneOf("The kind of database. Query rules read sql-postgres, sql-mysql (MariaDB too), mongo, and embedded (SQLite).", databaseTypes...).hinting(databaseNames)),
	may("conn", aText("The connection string, which only the companion reads. PostgreSQL: a URL. MySQL: user:password@tcp(host:port)/database. MongoDB: mongodb://host/database. SQLite: a path.")),
	may("pool", poolShape),
	may("collections", collectionsShape),
	may("queries", queriesShape),
	may("lint", lintShape))

var collectionsShape = mappingOf("Rules by collection. The rules of `default` hold for each operation that a collection does not list.",
	objectOf("", may("auth", authShape), need("rules", rulesOf("Rules by operation.", route.Operations, ruleShape)),
		may("response", rulesOf("Rules on the response, by operation.", route.Operations, responseShape)), may("lint", lintShape)))

var webhooksSection = objectOf("Where webhook rules may go, and how. Only the companion reads ca, cert, key and pool.",
	may("allow", listOf("Hosts that webhook rules may call, with a port or for every port.", aText(""))),
	may("ca", aText("PEM: the certificates that verify a host's. Default: those of the system.")),
	may("cert", aText("PEM: the certificate to show to a host that asks for one.")),
	may("key", aText("PEM: the certificate's key.")),
	may("pool", poolShape),
	may("lint", lintShape))

// poolShape is read by the companion only.
var poolShape = objectOf("Limits for the companion's calls to the database, or to each host of webhooks.",
	may("size", anInteger("Calls that run at once, and connections for them.", 1, 1000).byDefault("32")),
	may("queue", anInteger("Calls that wait for a connection; further ones are refused.", 1, 100000).byDefault("256")))

var routeShape = objectOf("",
	may("name", aText("A name for logs and metrics. Default: the place, such as routes[0].")),
	need("match", objectOf("The requests that the route covers.",
		may("methods", listOf("Methods in upper case. GET covers HEAD. Default: all that no other route of the same host and path lists.", aText("")).atLeast(1)),
		may("host", aText("A host name without a port, or *. and the end of one. Default: every host.")),
		need("path", aText("A path. {x} is one segment, {x}.json one with that end, {x...} at the end of the path all that remain, even none.")))),
	may("paths", objectOf("How the paths of the route are read.",
		may("encodedSlash", oneOf("keep takes %2F for a part of its segment: a variable {x} may hold a slash, and the upstream gets %2F. Otherwise such a path is refused.", "refuse", "keep").byDefault("refuse")))),
	may("auth", authShape),
	need("rule", ruleShape),
	may("response", responseShape),
	may("idle", aDuration("How long a request that was let through may be silent; more than 0. Default: `limits.idle`.")),
	may("mode", oneOf("shadow decides, logs and counts, and lets every request of the route through as it came. Default: that of the policy.", "shadow")),
	may("cors", oneOf("Pages of other origins that may read responses of this route; none: no page. Routes of one host and path share it. Default: `cors` of the policy.", "none").orElse(corsShape(""))),
	may("lint", lintShape))

var (
	ruleShape     = &shape{kind: rule, about: "The rule that decides. Only yes lets a request through."}
	responseShape = &shape{kind: rule, about: "The rule that decides about the upstream's response. Only yes lets it out."}
)

// rulesOf is an object with a rule for each of the operations.
func rulesOf(about string, operations []string, rule *shape) *shape {
	s := objectOf(about)
	for _, op := range operations {
		s.keys = append(s.keys, may(op, rule))
	}
	return s
}
