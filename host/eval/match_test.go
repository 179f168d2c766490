package eval

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite what testdata/match.txtar expects")

const matchFile = "testdata/match.txtar"

// comparison is a line of testdata/match.txtar.
type comparison struct {
	question string // the line that is evaluated
	rule     string // TYPE EVAL F1 F2, as it is written
	want     string // OUTCOME REASON; without a reason for yes
}

// comparisons returns the lines of testdata/match.txtar by their index, and the
// args of all.
func comparisons(t testing.TB, file *txtar.Archive) (all map[int]comparison, args string) {
	args = strings.ReplaceAll(strings.TrimSpace(string(file.Files[0].Data)), "\n", " ")
	all = map[int]comparison{}
	for i, line := range strings.Split(string(file.Files[1].Data), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		rule, want, ok := strings.Cut(line, " >> ")
		words := strings.Fields(rule)
		if !ok || len(words) < 4 {
			t.Fatalf("%q: want TYPE EVAL F1 F2 >> OUTCOME REASON", line)
		}
		match, _ := json.Marshal(map[string]any{
			"rule": "match", "type": words[0], "eval": words[1],
			"f1": json.RawMessage(words[2]), "f2": json.RawMessage(strings.Join(words[3:], " ")),
		})
		all[i] = comparison{`{"rule":` + string(match) + `,"args":` + args + `}`, rule, want}
	}
	return all, args
}

// Comparisons decide as the table says, and change nothing in args.
func TestMatch(t *testing.T) {
	file, err := txtar.ParseFile(matchFile)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(fixed)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(file.Files[1].Data), "\n")
	all, args := comparisons(t, file)
	for i, c := range all {
		var got struct {
			Allow           bool
			Outcome, Reason string
			Args            json.RawMessage
			ResBlocked      *bool
			Calls           []any
		}
		answer := e.Answer([]byte(c.question)).String()
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatalf("%s: %v: %s", c.rule, err, answer)
		}
		said := got.Outcome
		if !got.Allow {
			said += " " + got.Reason
		}
		if *update {
			lines[i] = c.rule + " >> " + said
		} else if said != c.want {
			t.Errorf("%s:\nwant  %s\nfound %s", c.rule, c.want, said)
		}
		if got.Allow != (got.Outcome == "yes") || got.Allow != (got.Reason == "allowed") ||
			string(got.Args) != args || got.ResBlocked == nil || *got.ResBlocked || got.Calls == nil || len(got.Calls) > 0 {
			t.Errorf("%s: %s", c.rule, answer)
		}
	}
	if *update {
		file.Files[1].Data = []byte(strings.Join(lines, "\n"))
		if err := os.WriteFile(matchFile, txtar.Format(file), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
