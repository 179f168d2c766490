package decide

import (
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

func TestClaimText(t *testing.T) {
	for claim, want := range map[string]string{
		`"ann lee"`:                 "ann lee",
		`""`:                        "",
		`"é"`:                       "é",
		`1.0`:                       "1.0",
		`12345678901234567890`:      "12345678901234567890",
		`false`:                     "false",
		`[]`:                        `[]`,
		"[ \"a\" ,\r\n\t\"b c\" ]":  `["a","b c"]`,
		`[1.0,true,null,[{"k":1}]]`: `[1.0,true,null,[{"k":1}]]`,
		`["\r\n\\\"","é😀` + "\x7f" + `", "\\" ]`: `["\r\n\\\"","\u00e9\ud83d\ude00\u007f","\\"]`,
		`{}`:      "!",
		`{"a":1}`: "!",
	} {
		v, err := value.Parse(claim, 8)
		if err != nil {
			t.Fatalf("%s: %v", claim, err)
		}
		got, err := claimText(v)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", claim, got, want)
		}
		if err == nil && v.Kind() == value.Array {
			again, err := value.Parse(got, 8)
			if err != nil || checkLines([]string{got}) != nil {
				t.Errorf("%s: %s is not the JSON of a header: %v, %v", claim, got, err, again)
			}
		}
	}
}
