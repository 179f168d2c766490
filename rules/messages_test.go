package rules

import (
	"strings"
	"testing"
)

// A message about an unknown word lists the words, and names the nearest.
func TestUnknownWords(t *testing.T) {
	for message, want := range map[string][2]string{
		unknownRule("athenticated"):         {`unknown rule "athenticated": want one of allow, and, authenticated, `, "; did you mean authenticated?"},
		unknownRule("Match"):                {`unknown rule "Match": want one of allow, `, "; did you mean match?"},
		unknownRule("permit"):               {`unknown rule "permit": want one of allow, `, "webhook"},
		unknownType("String"):               {`unknown type "String": want one of string, number, `, "; did you mean string?"},
		unknownEval("startswith", "string"): {`unknown eval "startswith": type string has == != startsWith `, "; did you mean startsWith?"},
		unknownEval("=", "string"):          {`unknown eval "=": type string has == `, "; did you mean ==?"},
		unknownEval("<>", "number"):         {`unknown eval "<>": type number has == `, "; did you mean !=?"},
		unknownEval("startsWith", "number"): {`unknown eval "startsWith": type number has == `, "; it is an eval of type string"},
		unknownEval("startswith", "number"): {`unknown eval "startswith": type number has == `, " in notIn"},
		unknownEval("equals", ""):           {`unknown eval "equals": want one of == != `, "; did you mean ==?"},
		unknownField("match", "field2", []string{"type*", "eval*", "f1*", "f2*"}): {`a rule match has no field "field2"`, `"field2"`},
		unknownField("hash", "field", []string{"fields*", "clause"}):              {`a rule hash has no field "field"`, "; did you mean fields?"},
		unknownField("query", "id", []string{"db*", "col*", "find"}):              {`a rule query has no field "id"`, "; the conditions on rows go under find"},
	} {
		if !strings.HasPrefix(message, want[0]) || !strings.HasSuffix(message, want[1]) {
			t.Errorf("%s\nwant %s…%s", message, want[0], want[1])
		}
	}
}
