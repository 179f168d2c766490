package decide

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// overrides are the fields by which frameworks let a client replace the method
// of the request line. The rules decide about that one.
var overrides = [...]string{"x-http-method-override", "x-http-method", "x-method-override"}

// overridesMethod reports whether a server could take a field, its name in lower
// case, for one of overrides.
func overridesMethod(name string) bool {
	if !strings.Contains(name, "method") {
		return false
	}
	for _, o := range overrides {
		if httpfield.Twins(name, o) {
			return true
		}
	}
	return false
}

// overrideParameter does the same in a query or a form.
const overrideParameter = "_method"

var errOtherMethod = errors.New("a second method, other than the request's")

func sameMethod(override, method string) bool {
	return strings.EqualFold(httpfield.TrimSpace(override), method)
}

// isOverride reports whether a server could take the name of a parameter for
// overrideParameter. The mark at its start counts: `method` is another name.
func isOverride(name string) bool {
	if len(name) < len(overrideParameter) || !httpfield.Twins(name, overrideParameter) {
		return false
	}
	first := strings.TrimLeft(name, " \t\r\n\v\f")[0]
	return first < 'A' || first > 'Z' && first < 'a'
}

// namesMethod reports whether a lenient server could find another method in a query.
func namesMethod(query, method string) bool {
	for name, value := range parameters(query) {
		if isOverride(name) && !sameMethod(httpfield.UnescapeLenient(value), method) {
			return true
		}
	}
	return false
}

// formNamesMethod reports whether a form names another method.
func (r *Request) formNamesMethod(ps []httpfield.Pair) bool {
	for i := range ps {
		if isOverride(ps[i].Name) && !sameMethod(ps[i].Value, r.head.method) {
			return true
		}
	}
	return false
}

// bodyNamesMethod reports whether the top level of a body names another method.
func (r *Request) bodyNamesMethod(params value.Value) bool {
	v := params.Key(overrideParameter)
	if v.Kind() == value.Missing {
		return false
	}
	text, ok := v.Text()
	return !ok || !sameMethod(text, r.head.method)
}
