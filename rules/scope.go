package rules

import "errors"

// scope is the set of names and rules that one place of a rule may have.
type scope struct {
	// item: references may name the element, beside args. This is so in the
	// clauses of filter, some, every and each.
	item bool
	// inResponse: the element is a part of the response.
	inResponse bool
	only       restriction
}

// restriction is the set of rules that may stand at one place.
type restriction uint8

const (
	anyRule restriction = iota
	noCalls             // neither query nor webhook, which would be asked for each element
	tests               // neither calls nor actions
	edits               // actions on the element, and `and` of them
)

// refuses returns why a rule of a kind may not stand in the scope.
func (s scope) refuses(kind string) error {
	switch kind {
	case "use":
		return nil // the named rule is checked
	case "query", "webhook":
		if s.only != anyRule {
			return errors.New("no " + kind + " here: it would be asked for each element")
		}
	case "force", "remove", "keep", "encrypt", "decrypt", "hash", "filter", "each":
		if s.only == tests {
			return errors.New("no " + kind + " here: this clause only tests the element")
		}
	case "and":
	default:
		if s.only == edits {
			return errors.New("no " + kind + " here: each carries out actions; put tests into the clause of an action")
		}
	}
	return nil
}
