package companion

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
	"modernc.org/sqlite"
)

// The functions that SQLite has no like of. None gives NULL but momentFunction,
// for what is no date.
const (
	regexFunction  = "rulegate_regex"  // (cell, pattern)
	jsonFunction   = "rulegate_json"   // (cell, the number of a jsonCondition)
	momentFunction = "rulegate_moment" // (cell): microseconds since 1970
)

// functions is a driver with our functions, and the conditions that queries which
// are running hand to jsonFunction by number. No number is used twice.
type functions struct {
	driver     sqlite.Driver
	conditions sync.Map // int64 to *jsonCondition
	last       atomic.Int64
}

// jsonCondition is an operator on what stands at path in a cell.
type jsonCondition struct {
	path  []string
	field *query.Field
}

// sqliteFunctions is one for the process: what a driver registers is never freed.
var sqliteFunctions = sync.OnceValues(func() (*functions, error) {
	f := &functions{}
	return f, errors.Join(
		f.driver.RegisterDeterministicScalarFunction(regexFunction, 2, regexCell),
		f.driver.RegisterDeterministicScalarFunction(momentFunction, 1, momentCell),
		f.driver.RegisterDeterministicScalarFunction(jsonFunction, 2, f.jsonCell),
	)
})

func (f *functions) keep(c *jsonCondition) (number int64) {
	number = f.last.Add(1)
	f.conditions.Store(number, c)
	return number
}

func (f *functions) forget(numbers []int64) {
	for _, n := range numbers {
		f.conditions.Delete(n)
	}
}

func (f *functions) jsonCell(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	kept, _ := f.conditions.Load(args[1])
	c, ok := kept.(*jsonCondition)
	if !ok {
		return nil, fmt.Errorf("%s: no condition %v", jsonFunction, args[1])
	}
	return c.field.Holds(cellValue(args[0]), c.path), nil
}

func regexCell(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	text, ok := args[0].(string)
	pattern, _ := args[1].(string)
	if !ok {
		return false, nil
	}
	re, err := query.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return re.MatchString(text), nil
}

// momentFormats are RFC 3339 and what SQLite's own functions print, which is UTC,
// https://www.sqlite.org/lang_datefunc.html.
var momentFormats = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04",
	"2006-01-02T15:04",
	time.DateOnly,
}

// spelledMoment is a text with a time that is no RFC 3339, as RFC 3339 in UTC.
func spelledMoment(text string) string {
	if _, err := time.Parse(time.RFC3339Nano, text); err == nil || len(text) <= len(time.DateOnly) {
		return text
	}
	for _, format := range momentFormats {
		if t, err := time.Parse(format, text); err == nil && t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return text
}

func momentCell(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	text, ok := args[0].(string)
	if !ok {
		return nil, nil
	}
	for _, format := range momentFormats {
		if t, err := time.Parse(format, text); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return nil, nil
}
