package decide

import (
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// overrides are the fields by which frameworks let a client name another method
// than that of the request line, which is the one that is decided.
var overrides = map[string]bool{"x-http-method-override": true, "x-http-method": true, "x-method-override": true}

// overrideParameter is the parameter for the same, of a query or a form.
const overrideParameter = "_method"

const otherMethod = "another method beside the request's own"

func sameMethod(said, method string) bool {
	return strings.EqualFold(httpfield.TrimSpace(said), method)
}

// queryNamesMethod says whether a query names another method, as a lenient
// server would read it: `;` separates, and what is no escape stays as it is.
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

// bodyNamesMethod does the same for what a body holds, as args shows it.
func (s *Stream) bodyNamesMethod(params value.Value) bool {
	v := params.Key(overrideParameter)
	if v.Kind() == value.Missing {
		return false
	}
	text, ok := v.Text()
	return !ok || !sameMethod(text, s.head.method)
}
