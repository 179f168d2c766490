package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// answers sets the rows of queries and the answers of webhooks.
func (f *requestFlags) answers(q *question) {
	var tables, hooks []value.Member
	for _, text := range f.data {
		if name, rows, ok := strings.Cut(text, "="); ok {
			tables = append(tables, member(name, q.written("data", rows)))
			continue
		}
		dir := filepath.Dir(text)
		for _, m := range q.section("data", text) {
			tables = append(tables, member(m.Key, inFolder(m.Value, dir)))
		}
	}
	for _, text := range f.webhooks {
		if url, _, ok := strings.Cut(text, "={"); ok {
			hooks = append(hooks, member(url, q.written("webhooks", text[len(url)+1:])))
			continue
		}
		hooks = append(hooks, q.section("webhooks", text)...)
	}
	if tables != nil {
		q.top = append(q.top, member("data", value.Obj(tables...)))
	}
	if hooks != nil {
		q.top = append(q.top, member("webhooks", value.Obj(hooks...)))
	}
}

// written is JSON that stands in a flag, or else the name of a file.
func (q *question) written(flag, text string) value.Value {
	if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") {
		return q.parse(flag, text)
	}
	return value.Str(text)
}

// section reads a file with an object, or with a member of the flag's name that is
// one, as a file with tests has.
func (q *question) section(flag, path string) []value.Member {
	f, err := policyfile.ReadOther(path)
	if err != nil {
		q.fail(flag, "%w", err)
		return nil
	}
	doc := f.Doc
	if in := doc.Key(flag); in.Kind() == value.Object {
		doc = in
	}
	if doc.Kind() != value.Object {
		q.fail(flag, "%s: want an object, found %s", path, doc.Kind())
	}
	return doc.Members()
}

// inFolder makes the file of a table relative to the file that names it.
func inFolder(table value.Value, dir string) value.Value {
	if name, ok := table.Text(); ok && !filepath.IsAbs(name) {
		return value.Str(filepath.Join(dir, name))
	}
	if rows := table.Key("rows"); rows.Kind() == value.String {
		return table.With("rows", inFolder(rows, dir))
	}
	return table
}

// upstream sets the upstream's response.
func (f *requestFlags) upstream(q *question) {
	outer := q.test
	q.test = nil
	if f.response != "" {
		q.set(f.content(q))
	}
	if f.responseStatus != 0 {
		q.set("status", value.Int(int64(f.responseStatus)))
	}
	q.pairs("headers", "response-header", ":", f.responseHeaders)
	response := q.test
	if q.test = outer; response != nil {
		q.set("response", value.Obj(response...))
	}
}

// content reads --response: JSON, else a file with JSON, else a file with another text.
func (f *requestFlags) content(q *question) (name string, v value.Value) {
	if v, err := value.Parse(f.response, policy.MaxDepth); err == nil {
		return "json", v
	}
	data, err := readBounded(f.response)
	if err != nil {
		q.fail("response", "want JSON, or a file: %w", err)
		return "body", value.Str("")
	}
	if v, err := value.Parse(string(data), policy.MaxDepth); err == nil {
		return "json", v
	}
	return "body", value.Str(string(data))
}

// readBounded reads a file of at most maxLine bytes.
func readBounded(path string) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxLine+1))
	if err == nil && len(data) > maxLine {
		err = fmt.Errorf("%s: more than %d bytes", path, maxLine)
	}
	return data, err
}
