package decide

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// claimHeaders sets the headers of auth.claimsToHeaders: strings, numbers and
// booleans as they are, arrays as JSON. A missing claim, or null, sets none. An
// object, or a text that no header can hold, is an error.
func (r *Request) claimHeaders(c *Changes) error {
	for _, ch := range r.engine.policy.ClaimHeaders {
		v := r.claims
		for _, key := range ch.Path {
			v = v.Key(key)
		}
		if v.Kind() == value.Missing || v.Kind() == value.Null {
			continue
		}
		line, err := claimText(v)
		if err == nil {
			err = checkLines([]string{line})
		}
		if err != nil {
			return lightfmt.Errorf("auth.claimsToHeaders.%s: %w", ch.Header, err)
		}
		c.setHeader(ch.Header, []string{line})
	}
	return nil
}

var errClaimText = errors.New("an object, which no header can hold")

func claimText(v value.Value) (string, error) {
	switch v.Kind() {
	case value.String:
		text, _ := v.Text()
		return text, nil
	case value.Number, value.Bool:
		return v.String(), nil
	case value.Array:
		return string(value.AppendASCII(nil, v.String())), nil
	}
	return "", errClaimText
}

// headerChanges writes the rule's changes of request.headers into c.
func (r *Request) headerChanges(c *Changes, after value.Value) error {
	if k := after.Key(rules.RootRequest).Kind(); k != value.Object && k != value.Missing {
		return errors.New("request: want an object, found " + k.String())
	}
	set := map[string]bool{}
	before, now := r.args.Key(rules.RootRequest), after.Key(rules.RootRequest)
	return differences(before.Key("headers"), now.Key("headers"), func(name string, now value.Value) error {
		lower := strings.ToLower(name)
		lines, err := texts(now, false)
		switch {
		case err == nil && !httpfield.IsToken(name):
			err = errors.New("not the name of a header")
		case err == nil && httpfield.Protected(name):
			err = errors.New("a header of the connection or of the framing cannot be changed")
		case err == nil && set[lower]:
			err = errors.New("changed in two ways")
		case err == nil:
			err = checkLines(lines)
		}
		if err != nil {
			return lightfmt.Errorf("header %q: %w", name, err)
		}
		set[lower] = true
		for _, alias := range r.head.aliases(lower) {
			c.RemoveHeaders = appendNew(c.RemoveHeaders, alias)
		}
		c.setHeader(lower, lines)
		return nil
	})
}

var errHeaderText = errors.New("a text that no header can hold")

// checkLines fails if a line cannot be sent as a header's value.
func checkLines(lines []string) error {
	for _, l := range lines {
		if !httpfield.IsValue(l) {
			return errHeaderText
		}
	}
	return nil
}
