package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/trace"
)

func (p *printer) token(t *trace.Token) {
	if t == nil {
		return
	}
	p.section("Token")
	switch {
	case !t.Read:
		p.label("not read", "the resource reads none")
		return
	case t.Simulated:
		p.label("given", "a token with the given claims; the policy's keys were not asked")
	}
	for _, s := range t.Sources {
		state := p.dim("nothing")
		switch {
		case s.Reason != "":
			state = p.bad(printable(s.Reason))
		case s.Found:
			state = "found"
		}
		p.label("from", "%s: %s", printable(s.Place), state)
	}
	for _, s := range t.Stages {
		switch s.Result {
		case "ok":
			p.label("stage", "%-9s %s", s.Name, p.good("ok"))
		case "refused":
			p.label("stage", "%-9s %s", s.Name, p.bad("refused: "+printable(s.Reason)))
		default:
			p.label("stage", "%-9s %s", s.Name, p.dim("not reached"))
		}
	}
	for i, e := range t.Entries {
		p.entry(i, &e)
	}
	for i := range t.Calls {
		p.call(&t.Calls[i], "  ")
	}
	if t.Claims != nil {
		p.label("claims", "%s", p.value(t.Claims))
	}
	if refusedElsewhere(t) {
		p.label("reason", "%s", p.bad(printable(t.Reason)))
	}
}

// refusedElsewhere reports whether a token was refused by none of its stages, such as a
// cookie of another origin, or a token that is bound to another certificate.
func refusedElsewhere(t *trace.Token) bool {
	return t.Reason != "" && !slices.ContainsFunc(t.Stages, func(s trace.Stage) bool { return s.Result == "refused" })
}

func (p *printer) entry(i int, e *trace.Entry) {
	name := printable(e.Provider)
	if name == "" {
		name = fmt.Sprintf("#%d", i+1)
	}
	if len(e.Algs) > 0 {
		name += " " + strings.Join(e.Algs, ",")
	}
	if e.Accepted {
		p.label("entry", "%s: %s", name, p.good("accepts it"))
		return
	}
	p.label("entry", "%s: %s", name, p.dim(e.Stage+": "+printable(e.Reason)))
}
