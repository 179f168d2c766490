//go:build !wasip1

package rules

import _ "embed"

// Language is LANGUAGE.md, for editors. The module has none.
//
//go:embed LANGUAGE.md
var Language string

// Evals lists the evals of a type of match, nil for another name.
func Evals(typeName string) []string {
	for _, t := range operandTypes {
		if t.name == typeName {
			return t.evalNames()
		}
	}
	return nil
}

// Usage returns how a function of `utils.` is called, such as (path), "" for another name.
func Usage(name string) string {
	if f := functionOf(name); f != nil {
		return f.usage
	}
	return ""
}
