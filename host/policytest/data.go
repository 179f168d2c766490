package policytest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
)

// Bounds of the files with rows.
const (
	maxData = 16 << 20 // bytes
	maxRows = 100_000
)

// data adds the tables of a section to those in to.
func (r *reader) data(section value.Value, place string, to map[string]*simulate.Table) {
	section.Each(func(name string, v value.Value) bool {
		at := rules.Join(place, name)
		sql, ok := r.names.tables[name]
		if !ok {
			r.atKey(at, "no rule of %s queries this collection%s", r.PolicyPath, other(name, r.names.tableNames()))
			return true
		}
		if r.cached[at] == nil {
			r.cached[at] = r.table(v, at, sql)
		}
		to[name] = r.cached[at]
		return true
	})
}

// table reads the data of one collection. A table with faults is empty.
func (r *reader) table(v value.Value, place string, sql bool) *simulate.Table {
	rows, at := v, place
	var f simulate.Failure
	if v.Kind() == value.Object {
		f = r.failure(v, place)
		rows, at = v.Key("rows"), rules.Join(place, "rows")
		if rows.Kind() == value.Missing && f == (simulate.Failure{}) {
			r.fault(place, "want `rows`, `fails` or `delay`")
		}
	}
	var list []value.Value
	file := ""
	if name, ok := rows.Text(); ok {
		var err error
		if list, err = readRows(r.file.Files(), beside(r.Path, name)); err != nil {
			r.fault(at, "%v", err)
		}
		file = name
	} else {
		list = rows.Elements()
	}
	t, err := simulate.NewTable(list, sql)
	var bad rules.Fault
	switch {
	case err == nil:
		t.Failure = f
		return t
	case errors.As(err, &bad) && file == "":
		r.fault(at+bad.Place, "%s", bad.Message)
	default:
		r.fault(at, "%s%v", file, err)
	}
	t, _ = simulate.NewTable(nil, sql)
	return t
}

// failure reads `fails` and `delay`.
func (r *reader) failure(v value.Value, place string) (f simulate.Failure) {
	f.Fails, _ = v.Key("fails").Text()
	if text, ok := v.Key("delay").Text(); ok {
		f.Delay, _ = schema.ParseDuration(text)
		if f.Delay < 0 {
			r.fault(rules.Join(place, "delay"), "want 0 or more")
		}
	}
	return f
}

// webhooks adds the answers of a section to those in to.
func (r *reader) webhooks(section value.Value, place string, to map[string]*simulate.Webhook) {
	section.Each(func(url string, v value.Value) bool {
		at := rules.Join(place, url)
		if !slices.Contains(r.names.webhooks, url) {
			r.atKey(at, "no rule of %s calls this webhook%s", r.PolicyPath, other(url, r.names.webhooks))
			return true
		}
		w := &simulate.Webhook{Status: integer(v.Key("status"), 200), Failure: r.failure(v, at)}
		w.Body, _ = r.content(v, at)
		to[url] = w
		return true
	})
}

// content reads `json` or `body`.
func (r *reader) content(v value.Value, place string) (text string, ok bool) {
	json, body := v.Key("json"), v.Key("body")
	if json.Kind() != value.Missing {
		if body.Kind() != value.Missing {
			r.atKey(rules.Join(place, "body"), "there is `json` already; want one of the two")
		}
		return json.String(), true
	}
	return body.Text()
}

// readRows reads a file with rows.
func readRows(files policyfile.Files, path string) ([]value.Value, error) {
	if !files.IsFile(path) {
		return nil, fmt.Errorf("%s: no such regular file", path) // to open a pipe could take for ever
	}
	data, err := files.Read(path, maxData)
	if err != nil {
		return nil, err
	}
	var rows []value.Value
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".csv":
		rows, err = readCSV(path, data)
	case ".json", ".yaml", ".yml":
		rows, err = readList(path, data)
	default:
		return nil, fmt.Errorf("%s: want a file whose name ends in .json, .yaml, .yml or .csv", path)
	}
	if err == nil && len(rows) > maxRows {
		err = fmt.Errorf("%s: more than %d rows", path, maxRows)
	}
	return rows, err
}

func readList(path string, data []byte) ([]value.Value, error) {
	f, err := policyfile.ParseOther(path, data)
	var faults *policyfile.Error
	if errors.As(err, &faults) {
		first := faults.Faults[0]
		return nil, fmt.Errorf("%s:%d:%d: %s", path, first.Line, first.Column, first.Message)
	}
	if err != nil {
		return nil, err
	}
	if f.Doc.Kind() != value.Array {
		return nil, fmt.Errorf("%s: want an array of rows, found %s", path, f.Doc.Kind())
	}
	return f.Doc.Elements(), nil
}

// readCSV reads rows with the names of their columns in the first line. A cell is the
// JSON value that it spells (a number, true, false, null, a text in quotes, an array, an
// object), null if it is empty, else its text.
func readCSV(path string, data []byte) ([]value.Value, error) {
	records := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	header, err := records.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: want the names of the columns in the first line: %w", path, err)
	}
	for i, name := range header {
		if name == "" || slices.Contains(header[:i], name) {
			return nil, fmt.Errorf("%s: column %d: want a name that no other column has, found %q", path, i+1, name)
		}
	}
	rows := []value.Value{}
	for {
		record, err := records.Read()
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		members := make([]value.Member, len(header))
		for i, cell := range record {
			members[i] = value.Member{Key: header[i], Value: cellOf(cell)}
		}
		rows = append(rows, value.Obj(members...))
	}
}

func cellOf(text string) value.Value {
	if text == "" {
		return value.NullValue
	}
	if v, err := value.Parse(text, 32); err == nil {
		return v
	}
	return value.Str(text)
}

// integer returns an integer, or absent for a missing one.
func integer(v value.Value, absent int) int {
	if n, ok := schema.SizeOf(v); ok {
		return n
	}
	return absent
}
