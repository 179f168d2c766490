// Package docs tests the documents: it runs their commands, and checks their
// configuration, tables, links and what they say of the code.
package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// block is a fenced block of a document. The word after the language says how a
// test checks the block:
//
//	sh run              bash runs all of them in order, in one folder
//	sh make             the Makefile has these targets
//	sh not-run: REASON  a test machine lacks something
//	text output         lines that the run block above prints
//	yaml file NAME      a file called NAME in the folder of the run blocks
//	yaml routes         routes of a policy, without faults
//	yaml rule           a rule, without faults
//	yaml define         named rules for the rules and verdicts below
//	yaml policy         a policy, without faults; the tests of rules/policy load it,
//	                    but for `yaml policy files`, which includes files
//	yaml generated      lines of the configuration generated for the document's policy.yaml
//	yaml filter         an EnvoyFilter whose filter Envoy accepts
//	yaml not-run: REASON
//	json args           the args for the values and verdicts below
//	json, lua, rego, toml not-run: REASON
//	text values         EXPRESSION >> its value
//	text verdicts       RULE >> its outcome
//	text tree           folders of the repository: all packages, and no other
//	txtar case NAME     testdata/cases/NAME.txtar
//	go from FILE        lines of a Go file of the repository
//	text, mermaid       not checked
type block struct {
	file string
	line int
	lang string
	use  string // the first word after the language, without a colon; "" if there is none
	arg  string // the words after use
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// uses lists the words that may follow each language; - means none.
var uses = map[string]string{
	"sh":      "run make not-run",
	"yaml":    "file routes rule define policy generated filter not-run",
	"json":    "args not-run",
	"lua":     "not-run",
	"rego":    "not-run",
	"toml":    "not-run",
	"text":    "output values verdicts tree -",
	"txtar":   "case",
	"go":      "from",
	"mermaid": "-",
}

// readBlocks reads the blocks of a document, whose path is relative to the
// repository. A block that no test checks fails t.
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
			t.Errorf("%v: no test checks blocks of %q, %q", b, b.lang, b.use)
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

// documents returns the paths of all Markdown files of the repository, relative
// to its root. Hidden folders such as .cache are skipped.
func documents(t *testing.T) []string {
	t.Helper()
	root := harness.Repository()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 8 {
		t.Fatalf("found only %q in %s", files, root)
	}
	return files
}
