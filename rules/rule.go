// Package rules is rulegate's rule language: it compiles rules and evaluates them
// against requests. LANGUAGE.md is its reference.
//
// The package does no I/O, has no clock and knows no proxy. A rule that needs a
// database returns a Call, and is evaluated again with the Reply.
package rules

// Rule is a compiled rule.
type Rule struct {
	kind, name, message, place string
	status                     int16 // of a no; 0: none of its own
	clause                     clause

	reads, writes   roots
	headers         []string // that a force may set, in lower case
	queries         []*query
	calls, response bool
	fresh           bool // its edits cannot be kept: they have nonces, or hold the request
	ofClaims        bool // of the root: see OfClaims
	question        byte
}

// clause evaluates one kind of rule.
type clause interface{ run(*run) result }

// Kind returns the rule's kind, such as "match". For `use` it is the kind of the
// named rule.
func (r *Rule) Kind() string { return r.kind }

// Name returns the rule's `name`, which may be empty.
func (r *Rule) Name() string { return r.name }

// Uses reports whether the rule may read args.<root> or change it.
func (r *Rule) Uses(root string) bool { return r.reads.has(root) || r.writes.has(root) }

// Changes reports whether the rule may change args.<root>.
func (r *Rule) Changes(root string) bool { return r.writes.has(root) }

// ChangesArgs reports whether the rule may change args.
func (r *Rule) ChangesArgs() bool { return r.writes.all || len(r.writes.names) > 0 }

// ForcedHeaders lists the request headers that a force may set, in lower case.
func (r *Rule) ForcedHeaders() []string { return r.headers }

// Calls reports whether the rule has a query or a webhook.
func (r *Rule) Calls() bool { return r.calls }

// HasResponse reports whether the rule may change the response.
func (r *Rule) HasResponse() bool { return r.response }

// Table is a table or collection that a query reads.
type Table struct{ DB, Col string }

// Tables lists the tables that the rule's queries read.
func (r *Rule) Tables() []Table {
	tables := make([]Table, len(r.queries))
	for i, q := range r.queries {
		tables[i] = Table{q.db, q.col}
	}
	return tables
}

// adopt adds the roots and calls of an inner rule.
func (r *Rule) adopt(in *Rule) {
	r.writes.merge(in.writes)
	r.headers = append(r.headers, in.headers...)
	r.response = r.response || in.response
	r.adoptReads(in)
}

// adoptReads adds the roots and calls of an inner rule whose changes are undone.
func (r *Rule) adoptReads(in *Rule) {
	r.reads.merge(in.reads)
	r.queries = append(r.queries, in.queries...)
	r.calls, r.fresh = r.calls || in.calls, r.fresh || in.fresh
}
