package rules

// The roots of args: the members that the gateway puts there. A rule may name
// others, which exist only once it has stored something there.
const (
	RootAuth     = "auth"     // the claims of the verified token
	RootToken    = "token"    // the token as it came
	RootParams   = "params"   // the body of a route, the params of a service, the path variables of a file
	RootRequest  = "request"  // method, path, query, headers and the like
	RootPeer     = "peer"     // the verified client certificate
	RootRes      = "res"      // the JSON body of the response, for a rule on the response
	RootResponse = "response" // status and headers of the response, for a rule on the response
	RootResult   = "result"   // the reply of a query or webhook that names no other place

	// The parts of a database operation.
	RootOp       = "op"
	RootFind     = "find"
	RootDoc      = "doc"
	RootUpdate   = "update"
	RootPipeline = "pipeline"
	RootOpts     = "opts"
)

// reserved are the roots whose values go to more readers than the rule: back
// into the request, or to a rule on the response.
var reserved = []string{
	RootAuth, RootToken, RootParams, RootRequest, RootPeer, RootRes, RootResponse,
	RootOp, RootFind, RootDoc, RootUpdate, RootPipeline, RootOpts,
}
