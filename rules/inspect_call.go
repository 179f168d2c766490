package rules

// Called returns the call that a query or a webhook makes: `database.collection` or the
// URL; "" for another rule.
func (r *Rule) Called() (kind CallKind, target string) {
	switch c := r.clause.(type) {
	case *query:
		return Query, c.db + "." + c.col
	case *webhook:
		return Webhook, c.url
	}
	return 0, ""
}
