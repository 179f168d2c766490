package decide

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

var errFields = errors.New("more fields than limits.fields")

// parseForm parses a form or a query, unless it has too many fields: each costs
// many times its bytes.
func (r *Request) parseForm(s string) ([]httpfield.Pair, error) {
	if strings.Count(s, "&") >= r.engine.policy.Limits.Fields {
		return nil, errFields
	}
	return httpfield.ParseForm(s)
}

// parseQuery is parseForm in memory that the next call uses again. It fails for twins of
// the names that the rules read.
func (r *Request) parseQuery(read policy.Names) ([]httpfield.Pair, error) {
	if strings.Count(r.head.query, "&") >= r.engine.policy.Limits.Fields {
		return nil, errFields
	}
	rooms := r.rooms()
	var err error
	if rooms.pairs, err = httpfield.AppendForm(emptied(rooms.pairs), r.head.query); err == nil {
		err = checkTwins(rooms.pairs, read)
	}
	return rooms.pairs, err
}

// object returns the pairs as args shows them: a repeated name has an array.
func object(ps []httpfield.Pair) value.Value {
	g := grouped{members: make([]value.Member, 0, len(ps))}
	for i := range ps {
		g.add(ps[i].Name, ps[i].Value)
	}
	return g.object()
}

// grouped collects values by name, in the order in which the names first appear.
type grouped struct {
	members  []value.Member
	repeated map[int][]value.Value // all values of a member, by its index, if it has several
	index    map[string]int        // of members by name, if there are more than few
}

// few is the number of names up to which a linear search is faster than a map.
const few = 16

func (g *grouped) add(name, text string) {
	i, found := g.find(name)
	if !found {
		if g.index != nil {
			g.index[name] = len(g.members)
		}
		g.members = append(g.members, value.Member{Key: name, Value: value.Str(text)})
		return
	}
	if g.repeated == nil {
		g.repeated = map[int][]value.Value{}
	}
	if g.repeated[i] == nil {
		g.repeated[i] = []value.Value{g.members[i].Value}
	}
	g.repeated[i] = append(g.repeated[i], value.Str(text))
}

func (g *grouped) find(name string) (i int, found bool) {
	if g.index == nil && len(g.members) > few {
		g.index = make(map[string]int, cap(g.members))
		for i := range g.members {
			g.index[g.members[i].Key] = i
		}
	}
	if g.index != nil {
		i, found = g.index[name]
		return i, found
	}
	for i := range g.members {
		if g.members[i].Key == name {
			return i, true
		}
	}
	return 0, false
}

// join gives each repeated name the array of its values.
func (g *grouped) join() {
	for i, values := range g.repeated {
		g.members[i].Value = value.Arr(values...)
	}
}

func (g *grouped) object() value.Value {
	g.join()
	return value.Obj(g.members...)
}

// rewritePairs writes the edits into the pairs. New values stand where the name's
// first value stood, new names at the end. Other pairs keep their bytes.
func rewritePairs(ps []httpfield.Pair, changed *edits) string {
	var parts []string
	written := map[string]bool{}
	for _, p := range ps {
		values, ok := changed.values[p.Name]
		switch {
		case !ok:
			parts = append(parts, p.Raw)
		case !written[p.Name]:
			written[p.Name] = true
			parts = appendPairs(parts, p.Name, values)
		}
	}
	for _, name := range changed.names {
		if !written[name] {
			parts = appendPairs(parts, name, changed.values[name])
		}
	}
	return strings.Join(parts, "&")
}

func appendPairs(parts []string, name string, values []string) []string {
	for _, v := range values {
		parts = append(parts, httpfield.Escape(name)+"="+httpfield.Escape(v))
	}
	return parts
}
