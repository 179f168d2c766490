package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb"
	"modernc.org/sqlite"
)

// The SQL functions for conditions that SQLite cannot decide. The first two are never
// NULL; dateFunction is NULL for a text that is not a date.
const (
	regexFunction = "rulegate_regex" // (cell, pattern)
	jsonFunction  = "rulegate_json"  // (cell, the number of a jsonCondition)
	dateFunction  = "rulegate_date"  // (cell): microseconds since 1970
)

// functions is a driver with our functions. Running queries pass their conditions on
// JSON to jsonFunction by number; a number is never used twice.
type functions struct {
	driver     sqlite.Driver
	conditions sync.Map // int64 to *jsonCondition
	last       atomic.Int64
}

// jsonCondition is an operator on the value at path in a cell.
type jsonCondition struct {
	path  []string
	field *query.Field
}

// registered returns the functions of the process. There is only one driver, because
// the functions that a driver registers are never freed.
var registered = sync.OnceValues(func() (*functions, error) {
	f := &functions{}
	return f, errors.Join(
		f.driver.RegisterDeterministicScalarFunction(regexFunction, 2, regexCell),
		f.driver.RegisterDeterministicScalarFunction(dateFunction, 1, dateCell),
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
	return c.field.Holds(sqldb.CellValue(args[0]), c.path), nil
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

func dateCell(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	text, ok := args[0].(string)
	if !ok {
		return nil, nil
	}
	if t, ok := parseDate(text); ok {
		return t.UnixMicro(), nil
	}
	return nil, nil
}
