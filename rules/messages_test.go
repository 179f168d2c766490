package rules

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
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
		unknownEval("regex", "string"):      {`unknown eval "regex": type string has == `, "; did you mean matches?"},
		unknownEval("<>", "number"):         {`unknown eval "<>": type number has == `, "; did you mean !=?"},
		unknownEval("startsWith", "number"): {`unknown eval "startsWith": type number has == `, "; it is an eval of type string"},
		unknownEval("startswith", "number"): {`unknown eval "startswith": type number has == `, " in notIn"},
		unknownEval("equals", ""):           {`unknown eval "equals": want one of == != `, "; did you mean ==?"},
		unknownField("match", "field2", []string{"type*", "eval*", "f1*", "f2*"}):     {`a rule match has no field "field2"`, `"field2"`},
		unknownField("hash", "field", []string{"fields*", "clause"}):                  {`a rule hash has no field "field"`, "; did you mean fields?"},
		unknownField("query", "id", []string{"db*", "col*", "find"}):                  {`a rule query has no field "id"`, "; the conditions on rows go under find"},
		noRule(value.Str("allow")):                                                    {"want a rule, found string", "; write {rule: allow}"},
		noRule(value.Str("alow")):                                                     {"want a rule, found string", "found string"},
		noRule(value.Arr()):                                                           {"want a rule, found array", "; to join rules, write {rule: and, clauses: […]}, or the same with or"},
		namelessRule(value.Obj(value.Member{Key: "match", Value: value.Obj()})):       {"want a rule with its name: write {rule: match} ", "with the fields beside it"},
		namelessRule(value.Obj(value.Member{Key: "Rule", Value: value.Str("allow")})): {"want a rule with its name, ", `found "Rule"; did you mean rule?`},
		namelessRule(value.Obj(value.Member{Key: "clause", Value: value.Obj()})):      {"want a rule with its name, ", "{rule: allow}"},
		noList("in", value.Str("admin")):                                              {"in wants an array or a reference to one, found string", `; write ["admin"]`},
		noList("in", value.Obj()):                                                     {"in wants an array or a reference to one, ", "found object"},
	} {
		if !strings.HasPrefix(message, want[0]) || !strings.HasSuffix(message, want[1]) {
			t.Errorf("%s\nwant %s…%s", message, want[0], want[1])
		}
	}
}
