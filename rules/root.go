package rules

import "slices"

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

// roots is a set of roots of args that a rule reads or changes.
type roots struct {
	all   bool
	clock bool // the time of the request, too
	names []string
	reads []columnRead // every read of a path in args
	items []*path      // the paths into item that one expression reads
}

func (r *roots) add(name string) {
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

func (r *roots) merge(o roots) {
	r.all, r.clock = r.all || o.all, r.clock || o.clock
	for _, n := range o.names {
		r.add(n)
	}
	r.reads = append(r.reads, o.reads...)
}

func (r *roots) has(name string) bool { return r.all || slices.Contains(r.names, name) }

// read adds the roots that resolving a path depends on.
func (r *roots) read(p *path, part readPart) {
	switch p.root {
	case inArgs:
		r.add(p.steps[0].key)
		r.reads = append(r.reads, columnRead{path: p, part: part})
	case inItem:
		r.items = append(r.items, p)
	}
	r.readBrackets(p.steps)
}

// readBrackets adds the roots that only the brackets of a path depend on.
func (r *roots) readBrackets(steps []step) {
	for i := range steps {
		if in := steps[i].inner; in != nil {
			r.read(in, readValue)
		}
	}
}
