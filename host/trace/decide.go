package trace

// markDeciding marks the clause that decided an evaluation: the one that gave the
// reason of a denial, or the branch that allowed.
func markDeciding(c *Clause, e *Evaluation) {
	for {
		next := decidingChild(c, e)
		if next == nil {
			c.Deciding = true
			return
		}
		c = next
	}
}

// decidingChild returns the clause inside c that has decided c, nil if c itself
// has.
func decidingChild(c *Clause, e *Evaluation) *Clause {
	if e.Outcome == Yes {
		return allowing(c)
	}
	if c.From == "" {
		return nil
	}
	for _, in := range c.inner() {
		if in.Outcome == c.Outcome && (in.Place == c.From || in.From == c.From) {
			return in
		}
	}
	return nil
}

// allowing returns the branch that made an `or` yes, or the only clause of use and
// of query.
func allowing(c *Clause) *Clause {
	switch c.Kind {
	case "or":
		for _, in := range c.Clauses {
			if in.Outcome == Yes {
				return in
			}
		}
	case "use", "query":
		if len(c.Clauses) == 1 {
			return c.Clauses[0]
		}
	}
	return nil
}

// inner lists the clauses inside c that were evaluated, those of the elements that
// are shown among them.
func (c *Clause) inner() []*Clause {
	all := c.Clauses
	if c.Elements != nil {
		for _, e := range c.Elements.Shown {
			all = append(all[:len(all):len(all)], e.Clauses...)
		}
	}
	return all
}

// markUndone marks the changes that do not last: those of a clause inside one that
// undoes them.
func markUndone(c *Clause, undone bool) {
	for i := range c.Changes {
		c.Changes[i].Undone = undone
	}
	for _, in := range c.Clauses {
		markUndone(in, undone || c.undoes(in.Outcome))
	}
	if c.Elements == nil {
		return
	}
	for _, e := range c.Elements.Shown {
		for _, in := range e.Clauses {
			markUndone(in, undone || c.Kind == "filter" && e.Outcome != Yes)
		}
	}
}

// undoes reports whether the clause undoes the changes of the clauses inside it.
func (c *Clause) undoes(inner Outcome) bool {
	switch c.Kind {
	case "not":
		return true
	case "or", "force", "remove", "keep", "encrypt", "decrypt", "hash":
		return inner != Yes
	}
	return false
}
