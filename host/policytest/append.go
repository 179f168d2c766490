package policytest

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// NewTest is a test to be added to a file with tests.
type NewTest struct {
	Path   string // of the file with tests, which need not exist
	Policy string // the path of the policy, for a file that does not exist
	Name   string
	// Doc has the form of a file with one test, whose user is `who.user`.
	Doc value.Value
}

// Append returns the text of a file with tests, with one test more. What the policy
// decides is its `want`. All else in the file stays as it is, comments too.
//
// Errors: *policyfile.Error with the faults of the file or of its policy; any other
// error says why the test cannot be added.
func Append(files policyfile.Files, n *NewTest) (string, error) {
	text := newFile(n)
	if files.IsFile(n.Path) {
		data, err := files.Read(n.Path, maxData)
		if err != nil {
			return "", err
		}
		text = string(data)
	}
	a, err := newAppender(files, text, n)
	if err != nil {
		return "", err
	}
	if text, err = a.append(n); err != nil {
		return "", fmt.Errorf("%s: %w; write this test by hand:\n%s", n.Path, err, a.test("", "  "))
	}
	return a.decided(text)
}

// newFile is the start of a file with tests.
func newFile(n *NewTest) string {
	name, ext := filepath.Base(n.Policy), filepath.Ext(n.Policy)
	if filepath.Base(n.Path) == strings.TrimSuffix(name, ext)+"_test"+ext {
		return "tests:\n"
	}
	return "policy: " + policyfile.Flow(value.Str(name)) + "\ntests:\n"
}

// appender adds a test to a text.
type appender struct {
	files  policyfile.Files
	path   string
	file   *policyfile.File
	text   string
	name   string // of the test
	user   string // its name; "": nobody
	claims value.Value
	known  bool // the file has the user
	fields []value.Member
}

func newAppender(files policyfile.Files, text string, n *NewTest) (*appender, error) {
	f, err := policyfile.ParseOther(n.Path, []byte(text))
	if err != nil {
		return nil, err
	}
	a := &appender{files: files, path: n.Path, file: f, text: text}
	test := n.Doc.Key("tests").At(0)
	a.claims = n.Doc.Key("who").Key("user")
	if a.claims.Kind() == value.Object && test.Key("as").Kind() != value.Missing {
		a.user, a.known = userOf(f.Doc.Key("who"), a.claims)
		test = test.With("as", value.Str(a.user))
	} else {
		test = test.Without("as")
	}
	for _, section := range []string{"data", "webhooks"} {
		if v := n.Doc.Key(section); v.Len() > 0 {
			test = test.With(section, v)
		}
	}
	if now := n.Doc.Key("now"); now.Kind() == value.String && !value.Equal(now, f.Doc.Key("now")) {
		test = test.With("now", now)
	}
	a.name = unusedName(f.Doc.Key("tests"), n.Name)
	a.fields = append([]value.Member{{Key: "name", Value: value.Str(a.name)}}, test.Without("name").Members()...)
	return a, nil
}

var plainName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]{0,30}$`)

// userOf is the name of a user with these claims: one that the file has, or a new one.
func userOf(who, claims value.Value) (name string, known bool) {
	who.Each(func(key string, v value.Value) bool {
		if name == "" && value.Equal(v, claims) {
			name = key
		}
		return true
	})
	if name != "" {
		return name, true
	}
	name = "user"
	for _, claim := range []string{"name", "id", "sub"} {
		if text, ok := claims.Key(claim).Text(); ok && plainName.MatchString(text) && text != Nobody {
			name = text
			break
		}
	}
	base := name
	for i := 2; who.Key(name).Kind() != value.Missing; i++ {
		name = fmt.Sprint(base, i)
	}
	return name, false
}

// unusedName is a name that no test has.
func unusedName(tests value.Value, name string) string {
	if name == "" {
		name = "a request"
	}
	used := func(name string) bool {
		return slices.ContainsFunc(tests.Elements(), func(t value.Value) bool {
			other, ok := t.Key("name").Text()
			if !ok {
				other, _ = t.Key("request").Text()
			}
			return other == name
		})
	}
	base := name
	for i := 2; used(name) && i < 1000; i++ {
		name = fmt.Sprint(base, " ", i)
	}
	return name
}

// test writes the test as an element of a list.
func (a *appender) test(dash, rest string) string {
	var b strings.Builder
	for i, m := range a.fields {
		if i == 0 {
			b.WriteString(dash + "- ")
		} else {
			b.WriteString(rest)
		}
		b.WriteString(m.Key + ": " + policyfile.Flow(m.Value) + "\n")
	}
	return b.String()
}

// append returns the text with the test.
func (a *appender) append(n *NewTest) (string, error) {
	if isJSON(a.text) {
		return "", errors.New("a file of JSON is not changed")
	}
	lines := strings.SplitAfter(a.text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	} else {
		lines[last] += "\n"
	}
	at := slices.IndexFunc(lines, func(line string) bool { return topKey(line) == "tests" })
	if at < 0 {
		return "", errors.New("it has no line that begins with `tests:`")
	}
	tests := a.file.Doc.Key("tests").Len()
	dash, end := "  ", at
	if tests > 0 {
		line, column := a.file.Position(rules.Elem("tests", tests-1))
		before := []rune(lines[line-1])[:column-1]
		if !strings.HasSuffix(strings.TrimRight(string(before), " "), "-") || column < 3 {
			return "", errors.New("its tests are in brackets")
		}
		dash, end = strings.TrimRight(strings.TrimRight(string(before), " "), "-"), line-1
	}
	for i := end + 1; i < len(lines) && topKey(lines[i]) == "" && !strings.HasPrefix(lines[i], "---"); i++ {
		if text := strings.TrimSpace(lines[i]); text != "" && (lines[i][0] == ' ' || lines[i][0] == '-') {
			end = i
		}
	}
	lines = slices.Insert(lines, end+1, a.test(dash, dash+"  "))
	if a.user != "" && !a.known {
		lines = a.withUser(lines, at)
	}
	out := strings.Join(lines, "")
	after, err := policyfile.ParseOther(a.path, []byte(out))
	if err != nil || !value.Equal(after.Doc, a.expected()) {
		return "", errors.New("the test cannot be written between its lines")
	}
	return out, nil
}

// topKey is the key of a line that has one at its start.
func topKey(line string) string {
	key, _, ok := strings.Cut(line, ":")
	if !ok || strings.ContainsAny(key, " \t#-\"'{[") {
		return ""
	}
	return key
}

// withUser adds the user to `who`, or a section before the line of the tests.
func (a *appender) withUser(lines []string, tests int) []string {
	entry := policyfile.Flow(value.Obj(value.Member{Key: a.user, Value: a.claims}))
	entry = entry[1 : len(entry)-1] // without the braces
	at := slices.IndexFunc(lines, func(line string) bool { return topKey(line) == "who" })
	if at < 0 {
		return slices.Insert(lines, tests, "who:\n  "+entry+"\n")
	}
	if head, members, ok := strings.Cut(lines[at], "{"); ok {
		if strings.HasPrefix(strings.TrimLeft(members, " "), "}") {
			lines[at] = head + "{" + entry + members
		} else {
			lines[at] = head + "{" + entry + ", " + members
		}
		return lines
	}
	_, column := a.file.Position("who")
	return slices.Insert(lines, at+1, strings.Repeat(" ", column-1)+entry+"\n")
}

// expected is the content of the file with the test.
func (a *appender) expected() value.Value {
	doc := a.file.Doc
	if a.user != "" && !a.known {
		who := doc.Key("who")
		if who.Kind() != value.Object {
			who = value.Obj()
		}
		doc = doc.With("who", who.With(a.user, a.claims))
	}
	return doc.With("tests", value.Arr(append(doc.Key("tests").Elements(), value.Obj(a.fields...))...))
}

// decided adds the policy's decision to a text that ends with the new test.
func (a *appender) decided(text string) (string, error) {
	s, err := Load(a.path, Options{Record: true, Files: changedFile{a.files, a.path, text}})
	if err != nil {
		return "", err
	}
	for _, c := range s.Cases {
		if c.Name != a.name {
			continue
		}
		r := s.Run(NewNative(s.Policy, 0), c)
		if r.Err != nil {
			return "", r.Err
		}
		return s.withWants(text, []*Result{&r})
	}
	return "", errors.New("the new test is not found")
}

// changedFile are files of which one has another text.
type changedFile struct {
	policyfile.Files
	path, text string
}

// Read implements policyfile.Files.
func (c changedFile) Read(path string, limit int64) ([]byte, error) {
	if path == c.path {
		return []byte(c.text), nil
	}
	return c.Files.Read(path, limit)
}
