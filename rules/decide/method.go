package decide

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// overrides are the fields by which frameworks let a client replace the method
// of the request line. The rules decide about that one.
var overrides = map[string]bool{"x-http-method-override": true, "x-http-method": true, "x-method-override": true}

// overrideParameter does the same in a query or a form.
const overrideParameter = "_method"

var errOtherMethod = errors.New("a second method, other than the request's")

func sameMethod(override, method string) bool {
	return strings.EqualFold(httpfield.TrimSpace(override), method)
}

// queryNamesMethod reports whether a lenient server could find another method in
// the query: one that separates at `;` too and keeps malformed escapes.
func (h *head) queryNamesMethod() bool {
	if !strings.Contains(h.query, overrideParameter) && !strings.Contains(h.query, "%") {
		return false
	}
	for part := range strings.FieldsFuncSeq(h.query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		if httpfield.UnescapeLenient(name) == overrideParameter && !sameMethod(httpfield.UnescapeLenient(value), h.method) {
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
