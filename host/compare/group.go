package compare

import (
	"fmt"
	"slices"
)

// group is a set of places whose values are compared with each other.
type group struct {
	into   *group // the group that this one has been joined with; nil: none
	places []*place
}

func (g *group) top() *group {
	for g.into != nil {
		g = g.into
	}
	return g
}

// groupOf returns the group of a place; alone, if it is compared with no other.
func groupOf(p *place) *group {
	if p.group == nil {
		p.group = &group{places: []*place{p}}
	}
	return p.group.top()
}

// join puts two places into one group.
func join(p, q *place) {
	a, b := groupOf(p), groupOf(q)
	if a == b {
		return
	}
	b.into = a
	a.places = append(a.places, b.places...)
}

// uses lists the uses of all places of the group.
func (g *group) uses() (out []use) {
	for _, p := range g.places {
		out = append(out, p.uses...)
	}
	return out
}

// notes are the reasons why the requests that are tried do not stand for all
// requests.
type notes struct{ list []string }

func (n *notes) add(u *unit, format string, args ...any) {
	n.text(u.rule.Place() + ": " + fmt.Sprintf(format, args...))
}

func (n *notes) text(s string) {
	if !slices.Contains(n.list, s) {
		n.list = append(n.list, s)
	}
}

// comparedWithReplies reports whether the value of p, or of a place below it, is
// compared with a part of a call's reply.
func (p *place) comparedWithReplies() (compared bool) {
	p.all(func(q *place) {
		if q.group == nil {
			return
		}
		for _, other := range groupOf(q).places {
			compared = compared || other.domain == replied && q.domain != replied
		}
	})
	return compared
}
