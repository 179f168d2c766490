package policytest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Record writes the results of tests without `want` into the file. All else in it stays
// as it is, comments too.
func (s *Suite) Record(results []Result) error {
	var found []*Result
	for i := range results {
		if results[i].Outcome == Recorded {
			found = append(found, &results[i])
		}
	}
	if len(found) == 0 {
		return nil
	}
	data, err := os.ReadFile(s.Path)
	if err != nil {
		return err
	}
	text, err := s.withWants(string(data), found)
	if err != nil {
		return fmt.Errorf("%s: %w; write `want` by hand", s.Path, err)
	}
	return replaceFile(s.Path, []byte(text))
}

// replaceFile replaces the content of a file. Whoever reads it, or comes after a crash, finds
// the old content or the new one, whole.
func replaceFile(path string, data []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".rulegate-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // it is gone after the rename
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Chmod(info.Mode().Perm()), temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// withWants returns the text of the file with the results. It fails unless the text then
// says the same as before, and the results.
func (s *Suite) withWants(text string, found []*Result) (string, error) {
	before, err := policyfile.ParseOther(s.Path, []byte(text))
	if err != nil || !value.Equal(before.Doc, s.file.Doc) {
		return "", errors.New("the file has changed since it was read")
	}
	e := editor{lines: strings.SplitAfter(text, "\n"), json: isJSON(text)}
	expected := before.Doc
	// From the end to the start, so that the positions before an insertion stay right.
	slices.SortFunc(found, func(a, b *Result) int {
		return -cmp.Or(cmp.Compare(a.Case.Line, b.Case.Line), cmp.Compare(a.Case.Column, b.Case.Column))
	})
	for _, r := range found {
		want := recorded(r.Case, r.Got)
		if err := e.insert(r.Case.Line-1, r.Case.Column-1, want); err != nil {
			return "", fmt.Errorf("line %d: %w", r.Case.Line, err)
		}
		expected = withWant(expected, r.Case.Place, want)
	}
	out := strings.Join(e.lines, "")
	after, err := policyfile.ParseOther(s.Path, []byte(out))
	if err != nil || !value.Equal(after.Doc, expected) {
		return "", errors.New("the results cannot be written between these lines")
	}
	return out, nil
}

// withWant returns the document with a `want` at the place of a test or a variation.
func withWant(doc value.Value, place string, want value.Value) value.Value {
	tests := doc.Key("tests").Elements()
	for i, t := range tests {
		at := rules.Elem("tests", i)
		if at == place {
			tests[i] = t.With("want", want)
		}
		each := t.Key("each").Elements()
		for n, v := range each {
			if rules.Elem(rules.Join(at, "each"), n) == place {
				each[n] = v.With("want", want)
				tests[i] = t.With("each", value.Arr(each...))
			}
		}
	}
	return doc.With("tests", value.Arr(tests...))
}

func isJSON(text string) bool {
	_, err := value.Parse(text, maxDepth)
	return err == nil
}

// editor inserts members into the text of a file.
type editor struct {
	lines []string // with their ends
	json  bool
}

// insert adds `want` to the mapping that starts at a line and a column, both from 0.
func (e *editor) insert(line, column int, want value.Value) error {
	if line >= len(e.lines) {
		return errors.New("not found")
	}
	runes := []rune(e.lines[line])
	if line == 0 && len(runes) > 0 && runes[0] == '\ufeff' {
		column++
	}
	switch {
	case column >= len(runes):
		return errors.New("not found")
	case runes[column] == '{':
		return e.insertInBraces(line, column, want)
	case strings.ContainsRune("*&!", runes[column]):
		return errors.New("an alias or an anchor")
	}
	last := line
	for i := line + 1; i < len(e.lines); i++ {
		text := strings.TrimLeft(e.lines[i], " ")
		trimmed := strings.TrimSpace(text)
		if trimmed != "" && len(e.lines[i])-len(text) < column {
			break
		}
		if trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			last = i
		}
	}
	end := "\n"
	if strings.HasSuffix(e.lines[line], "\r\n") {
		end = "\r\n"
	}
	if !strings.HasSuffix(e.lines[last], "\n") {
		e.lines[last] += end
	}
	e.lines = slices.Insert(e.lines, last+1, strings.Repeat(" ", column)+"want: "+policyfile.Flow(want)+end)
	return nil
}

// insertInBraces adds `want` before the brace that closes the one at a position.
func (e *editor) insertInBraces(line, column int, want value.Value) error {
	text := "want: " + policyfile.Flow(want)
	if e.json {
		text = `"want": ` + want.String()
	}
	depth, quote := 0, rune(0)
	before := ' ' // the last character that is no blank
	for ; line < len(e.lines); line, column = line+1, 0 {
		runes := []rune(e.lines[line])
		for ; column < len(runes); column++ {
			r := runes[column]
			switch {
			case quote == '"' && r == '\\':
				column++
			case quote != 0:
				if r == quote {
					quote = 0
				}
			case r == '"' || r == '\'' && strings.ContainsRune(" ,:[{", before):
				quote = r
			case r == '#' && (column == 0 || runes[column-1] == ' '):
				column = len(runes)
				continue
			case r == '{' || r == '[':
				depth++
			case r == '}' || r == ']':
				if depth--; depth == 0 {
					if before != '{' && before != ',' {
						text = ", " + text
					}
					at := column
					for at > 0 && runes[at-1] == ' ' {
						at--
					}
					e.lines[line] = string(runes[:at]) + text + string(runes[at:])
					return nil
				}
			}
			if strings.TrimSpace(string(r)) != "" {
				before = r
			}
		}
	}
	return errors.New("no closing brace")
}
