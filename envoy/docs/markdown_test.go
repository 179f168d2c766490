package docs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// block is a fenced block of one of the documents. What the fence says after
// the language is what a test does with it, so that nothing in a document is
// there untried:
//
//	sh run              a session: all run in order, by one bash
//	sh make             targets of the Makefile
//	sh not-run: WHY     needs what a test machine has not
//	text output         parts of what the run block or program above prints
//	yaml file NAME      written to NAME, in the folder that the session runs in
//	yaml routes         entries of a policy's routes, without faults
//	yaml rule           a rule without faults
//	yaml generated      each line is in the configuration that is generated
//	yaml filter         an EnvoyFilter whose filter Envoy takes
//	yaml not-run: WHY
//	json args           what the tables below are evaluated against
//	text values         EXPRESSION >> its value
//	text verdicts       RULE >> its outcome
//	text, txtar, mermaid    for reading
type block struct {
	file string
	line int
	lang string
	use  string // the first word after the language, without a colon
	arg  string // the rest
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// uses lists what may stand after each language.
var uses = map[string]string{
	"sh":      "run make not-run",
	"yaml":    "file routes rule generated filter not-run",
	"json":    "args",
	"text":    "output values verdicts -",
	"txtar":   "-",
	"mermaid": "-",
}

// readBlocks reads a document, whose path is relative to the repository. A
// block that no test knows what to do with fails t.
func readBlocks(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(harness.Repository(file))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	open := false
	for i, line := range strings.SplitAfter(string(text), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open:
			open = false
		case fence:
			open = true
			blocks = append(blocks, newBlock(file, i+1, strings.TrimSpace(info)))
		case open:
			blocks[len(blocks)-1].text += line
		}
	}
	if open {
		t.Errorf("%s: the last block has no end", file)
	}
	for _, b := range blocks {
		use := b.use
		if use == "" {
			use = "-"
		}
		if !strings.Contains(" "+uses[b.lang]+" ", " "+use+" ") {
			t.Errorf("%v: no test knows %q, %q", b, b.lang, b.use)
		}
		if b.use == "not-run" && b.arg == "" {
			t.Errorf("%v: want a reason after not-run", b)
		}
	}
	return blocks
}

func newBlock(file string, line int, info string) block {
	lang, rest, _ := strings.Cut(info, " ")
	use, arg, _ := strings.Cut(rest, " ")
	return block{file: file, line: line, lang: lang, use: strings.TrimSuffix(use, ":"), arg: arg}
}
