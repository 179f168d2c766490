package policytest

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/spelling"
)

// names are the names of a policy that tests may use.
type names struct {
	clauses   []string // names of clauses
	places    map[string]bool
	tables    map[string]bool // `database.collection` of a query; true: in a database of SQL
	webhooks  []string
	resources []string
}

func namesOf(p *policy.Policy) *names {
	n := &names{places: map[string]bool{}, tables: map[string]bool{}}
	sql := map[string]bool{}
	for _, d := range p.Databases {
		sql[d.Name] = d.Type != "mongo"
	}
	visit := func(r *rules.Rule) {
		n.places[r.Place()] = true
		if name := r.Name(); name != "" && !slices.Contains(n.clauses, name) {
			n.clauses = append(n.clauses, name)
		}
		switch kind, target := r.Called(); kind {
		case rules.Query:
			db, _, _ := strings.Cut(target, ".")
			n.tables[target] = sql[db]
		case rules.Webhook:
			if !slices.Contains(n.webhooks, target) {
				n.webhooks = append(n.webhooks, target)
			}
		}
	}
	for _, r := range p.Resources() {
		n.resources = append(n.resources, r.Name)
		walk(r.Rule, visit)
		walk(r.Response, visit)
	}
	return n
}

// Targets lists what the rules of a policy call: collections, as `database.collection`,
// and the URLs of webhooks.
func Targets(p *policy.Policy) (tables, webhooks []string) {
	n := namesOf(p)
	return n.tableNames(), n.webhooks
}

// walk visits a rule, which may be nil, and the clauses in it.
func walk(r *rules.Rule, visit func(*rules.Rule)) {
	if r == nil {
		return
	}
	visit(r)
	for _, c := range r.Clauses() {
		walk(c, visit)
	}
}

func (n *names) tableNames() (list []string) {
	for name := range n.tables {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// other is the end of a message about a name that is not among names.
func other(name string, names []string) string {
	switch near := spelling.Nearest(name, names); {
	case near != "":
		return "; did you mean " + near + "?"
	case len(names) == 0:
		return "; it has none"
	case len(names) > 20:
		return ""
	}
	return "; want one of " + strings.Join(names, ", ")
}
