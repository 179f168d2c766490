package policy

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/lint"
)

// reviewSettings reads and checks the settings that the module does not need.
func (l *loader) reviewSettings() {
	l.sensitive()
	l.reviewLog()
}

// sensitive reads `sensitive`. It is not part of the module, which shows no value
// of a request to anybody.
func (l *loader) sensitive() {
	for i, text := range textsOf(l.doc.Key("sensitive")) {
		at := rules.Elem("sensitive", i)
		if text == "" || !l.known(at) {
			continue // schema.Check reports it
		}
		ref, err := sensitivePath(text)
		if err == nil {
			err = lint.Never(ref, l.reviewed)
		}
		if err != nil {
			l.fault(at, "%v", err)
			continue
		}
		keys := make([]string, len(ref.Keys))
		for j, k := range ref.Keys {
			keys[j] = k.Name
		}
		l.p.Sensitive = append(l.p.Sensitive, keys)
	}
}

// sensitivePath reads a path into args; `res.x` is `args.res.x`.
func sensitivePath(text string) (rules.Reference, error) {
	path := text
	if strings.HasPrefix(text, "res.") {
		path = "args." + text
	}
	if !strings.HasPrefix(path, "args.") {
		return rules.Reference{}, errors.New("want a path such as args.auth.email or res.salary, found " + text)
	}
	refs := rules.References(path, false)
	if len(refs) != 1 {
		return rules.Reference{}, errors.New(text + ": want a path whose keys are all written out")
	}
	refs[0].Text = text
	return refs[0], nil
}
