package decide

import (
	"errors"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
)

var (
	errTwins = errors.New("a name that servers could take for one that the rule reads")
	errBoth  = errors.New("a name that the query has too, and servers read either")
)

// checkTwins fails if a pair has a twin of a name that the rules read: a server
// could use the one for the other. If they may read every name, no two may be
// twins.
func checkTwins(ps []httpfield.Pair, read policy.Names) error {
	for i := range ps {
		name := ps[i].Name
		if slices.Contains(read.List, name) {
			continue
		}
		if hasTwin(read.List, name) {
			return errTwins
		}
	}
	if !read.All || len(ps) < 2 {
		return nil
	}
	return checkAllTwins(ps)
}

// checkAllTwins fails if two different names are twins.
func checkAllTwins(ps []httpfield.Pair) error {
	whole := make(map[string]string, len(ps)) // a name, by itself folded
	for i := range ps {
		key := httpfield.Fold(ps[i].Name)
		if other, found := whole[key]; found && other != ps[i].Name {
			return errTwins
		}
		whole[key] = ps[i].Name
	}
	for i := range ps {
		base, cut := cutName(ps[i].Name)
		if _, found := whole[httpfield.Fold(base)]; cut && found {
			return errTwins
		}
	}
	return nil
}

// cutName cuts a name where brackets or a NUL begin.
func cutName(name string) (base string, cut bool) {
	i := strings.IndexAny(name, "[\x00")
	if i <= 0 {
		return name, false
	}
	return name[:i], true
}

// checkForm fails if the query has a field of the form too, or its twin: some
// frameworks merge the two.
func checkForm(ps []httpfield.Pair, query string) error {
	if query == "" {
		return nil
	}
	names := map[string]bool{}
	for name := range parameters(query) {
		base, _ := cutName(name)
		names[httpfield.Fold(base)] = true
	}
	for i := range ps {
		if base, _ := cutName(ps[i].Name); names[httpfield.Fold(base)] {
			return errBoth
		}
	}
	return nil
}

// parameters yields names and values of a query as a lenient server reads them:
// one that separates at `;` too and keeps malformed escapes.
func parameters(query string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for query != "" {
			part := query
			if i := strings.IndexAny(query, "&;"); i >= 0 {
				part, query = query[:i], query[i+1:]
			} else {
				query = ""
			}
			name, value, _ := strings.Cut(part, "=")
			if part != "" && !yield(httpfield.UnescapeLenient(name), value) {
				return
			}
		}
	}
}
