package compare

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// place is a place of a request that some rule reads or changes: a node in the
// tree of the paths below args.
type place struct {
	above   *place
	key     string
	below   []*place // by key, in the order in which rules name them
	element *place   // every element of the array that is here; nil: none is read

	read        bool // its value is read as a whole
	copied      bool // its value goes on: to the upstream, into a call, to another place
	changed     bool // an action changes it
	transformed bool // in another way than by force and remove
	container   bool // an action changes a member of it
	through     bool // an edit of the response goes through it, into the elements of an array too
	dynamic     bool // the request chooses which key below it is read
	asked       int  // how many some and every ask about its elements

	uses     []use
	extra    []value.Value // values beside those of the uses
	chosenBy []*place      // the places that choose a key below
	group    *group
	domain   domain
	values   []choice // see valuesOf

}

// at returns the place of a key below p, and adds it when there is none.
func (p *place) at(key string) *place {
	for _, b := range p.below {
		if b.key == key {
			return b
		}
	}
	b := &place{above: p, key: key, domain: domainBelow(p, key)}
	p.below = append(p.below, b)
	return b
}

// elements returns the place of the elements of the array p.
func (p *place) elements() *place {
	if p.element == nil {
		p.element = &place{above: p, key: "[]", domain: elementDomain(p.domain)}
	}
	return p.element
}

// keys returns the path from args down.
func (p *place) keys() (keys []string) {
	for ; p.above != nil; p = p.above {
		keys = append(keys, p.key)
	}
	slices.Reverse(keys)
	return keys
}

func (p *place) String() string {
	text := "args"
	for _, k := range p.keys() {
		if k == "[]" {
			text += "[]"
		} else {
			text = rules.Join(text, k)
		}
	}
	return text
}

// slot is the place around p, or p itself, whose value is chosen as a whole.
func (p *place) slot() *place {
	top := p
	for q := p; q.above != nil; q = q.above {
		if q.whole() {
			top = q
		}
	}
	return top
}

// whole reports whether the value of p is chosen as a whole, with its members.
func (p *place) whole() bool {
	return p.read || p.copied || p.changed || p.dynamic || p.through || p.container || p.element != nil || p.domain == targeted
}

// all calls f for p and everything below it.
func (p *place) all(f func(*place)) {
	f(p)
	for _, b := range p.below {
		b.all(f)
	}
	if p.element != nil {
		p.element.all(f)
	}
}

// impure reports whether the value of p, or of a place below it, goes on or is
// changed.
func (p *place) impure() (impure bool) {
	p.all(func(q *place) { impure = impure || q.copied || q.changed || q.container || q.through || q.dynamic })
	return impure
}

// aliased reports whether a clause reads p, or a place below it, and an action may
// have changed it before.
func (p *place) aliased() (aliased bool) {
	changed, tested := false, false
	p.all(func(q *place) {
		changed = changed || q.changed || q.through || q.dynamic
		tested = tested || len(q.uses) > 0 || q.asked > 0
	})
	return changed && tested
}

// domain is the set of values that a request can have at a place.
type domain uint8

const (
	nothing   domain = iota // no request can bring a value there
	anyJSON                 // any JSON value, or none
	text                    // a string, or none
	texts                   // a string, or several in an array, or none
	textMap                 // an object of texts
	object                  // an object, whose members are anyJSON
	address                 // an IP address
	status                  // the status of a response
	moment                  // a date
	targeted                // what the method, the host and the path tell
	replied                 // what a query or a webhook has brought
	operation               // the name of a database operation
	fixed                   // what the comparison sets itself, such as the raw token
	structure               // an object whose members are known
)

func domainBelow(p *place, key string) domain {
	switch p.domain {
	case anyJSON, object:
		return anyJSON
	case textMap:
		if ownHeader(key) && p.key == "headers" {
			return fixed
		}
		return texts
	case texts:
		return text
	case replied:
		return replied
	case targeted:
		return targeted
	case structure:
		return memberDomain(strings.Join(append(p.keys(), key), "."))
	}
	return nothing
}

func memberDomain(path string) domain {
	switch path {
	case "auth":
		return object
	case "params", "find", "doc", "update", "pipeline", "opts", "res":
		return anyJSON
	case "op":
		return operation
	case "request", "peer", "response":
		return structure
	case "request.method", "request.host", "request.path", "request.vars":
		return targeted
	case "request.scheme", "request.id", "peer.uriSan", "peer.dnsSan", "peer.subject":
		return text
	case "request.query", "request.headers", "response.headers":
		return textMap
	case "request.ip":
		return address
	case "response.status":
		return status
	case "token":
		return fixed
	}
	return nothing
}

func elementDomain(d domain) domain {
	switch d {
	case anyJSON, object:
		return anyJSON
	case texts:
		return text
	case replied:
		return replied
	}
	return nothing
}
