package docs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// block is a fenced block of a document. The words after the language say how a
// test checks the block, so that each one is checked:
//
//	sh run              all of a document run in order in one bash
//	sh make             targets of the Makefile
//	sh not-run: WHY     needs something that a test machine lacks
//	text output         each line is in the output of the run block or program above
//	yaml file NAME      written to NAME in the session's folder
//	yaml routes         entries of a policy's routes, without faults
//	yaml rule           a rule without faults
//	yaml generated      each line is in the output of `rulegate envoy`
//	yaml filter         an EnvoyFilter whose filter Envoy accepts
//	yaml not-run: WHY
//	json args           args for the tables below
//	text values         EXPRESSION >> its value
//	text verdicts       RULE >> its outcome
//	text, txtar, mermaid    not checked
type block struct {
	file string
	line int
	lang string
	use  string // the first word after the language, without a colon
	arg  string // the rest
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// uses lists the words that are allowed after each language.
var uses = map[string]string{
	"sh":      "run make not-run",
	"yaml":    "file routes rule generated filter not-run",
	"json":    "args",
	"text":    "output values verdicts -",
	"txtar":   "-",
	"mermaid": "-",
}

// readBlocks reads a document, whose path is relative to the repository. A block
// with an unknown use fails t.
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
			t.Errorf("%v: unknown use %q of a block of %q", b, b.use, b.lang)
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
