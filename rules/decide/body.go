package decide

import (
	"errors"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// media tells how the body is read.
func (r *Request) media() (httpfield.Media, *Refusal) {
	h := &r.head
	if h.encoded {
		return httpfield.Unreadable, wrongType("a content-encoding")
	}
	m := httpfield.ParseMedia(h.types)
	switch {
	case len(h.types) == 0:
		return m, wrongType("no content-type")
	case m == httpfield.Unreadable || m == httpfield.Form && r.resource.Kind != policy.Route:
		return m, wrongType("a content-type that cannot be read")
	}
	return m, nil
}

// readBody adds the body to args.
func (r *Request) readBody(text string) *Refusal {
	if text == "" {
		return r.readNoBody()
	}
	if r.resource.Kind == policy.Route && r.head.readsQuery() && r.head.query != "" {
		return malformed("query: " + errBodyAndQuery.Error())
	}
	m, refusal := r.media()
	if refusal != nil {
		return refusal
	}
	if m == httpfield.Form {
		return r.readForm(text)
	}
	if keys := envelopes[r.resource.Kind]; keys != nil {
		v, refusal := r.parseEnvelope(text, keys...)
		if refusal != nil {
			return refusal
		}
		r.body = v
		return r.setJSON(memberParams, v.Key("params"))
	}
	rooms := r.rooms()
	if rooms.body == nil {
		rooms.body = new(value.Opener)
	}
	// Several checks and the rule look at the members.
	v, err := rooms.body.Parse(text, r.engine.policy.Limits.Depth)
	if err != nil {
		return malformed("body: " + err.Error())
	}
	r.body = v
	if r.resource.Kind == policy.Database {
		return r.readOperation()
	}
	if v.Kind() != value.Object && v.Kind() != value.Array {
		return malformed("body: want an object or an array, found " + v.Kind().String())
	}
	// Looking for the key costs a walk through the object, so look only if the
	// key may be there, escaped or not.
	if strings.Contains(text, overrideParameter) || strings.Contains(text, `\`) {
		if r.bodyNamesMethod(v) {
			return malformed("body: " + errOtherMethod.Error())
		}
	}
	return r.setJSON(bodyParams, v)
}

var (
	errEnvelope  = errors.New("a key that the API does not have")
	errOtherCase = errors.New("two keys that differ by case alone, and the rule reads or changes one of them")
	errMisspelt  = errors.New("a key that differs by case alone from one that the rule reads and that is not there")
)

// envelopes are the keys of the bodies whose `params` are args.params.
var envelopes = [...][]string{
	policy.Service: {"params", "timeout", "cache"}, policy.Query: {"params", "debug"}, policy.Event: nil,
}

// parseEnvelope parses a body that is an object with no other keys.
func (r *Request) parseEnvelope(text string, keys ...string) (value.Value, *Refusal) {
	v, err := value.Parse(text, r.engine.policy.Limits.Depth)
	switch {
	case err != nil:
	case v.Kind() != value.Object:
		err = errors.New("want an object, found " + v.Kind().String())
	default:
		err = checkEnvelope(v, keys...)
	}
	if err != nil {
		return value.Value{}, malformed("body: " + err.Error())
	}
	return v, nil
}

// checkEnvelope fails if an object has other keys: Space Cloud reads `Find` as
// find, and rules read neither that nor keys that they do not know.
func checkEnvelope(v value.Value, keys ...string) (err error) {
	v.Each(func(key string, _ value.Value) bool {
		if !slices.Contains(keys, key) {
			err = errEnvelope
		}
		return err == nil
	})
	return err
}

// setJSON sets params to a JSON value.
func (r *Request) setJSON(source paramsSource, v value.Value) *Refusal {
	if r.otherCase(rules.RootParams, v) {
		return malformed("body: " + errOtherCase.Error())
	}
	r.setParams(source, v)
	return nil
}

// otherCase reports whether the value of a root has two keys that differ by case
// alone, and the rules read or change one of them.
func (r *Request) otherCase(root string, v value.Value) bool {
	return r.resource.Rule.OtherCase(root, v) || r.resource.Response != nil && r.resource.Response.OtherCase(root, v)
}

// misspells reports whether the body has a key that differs by case alone from one that
// the rules read and do not find: some parsers would take it for that one.
func (r *Request) misspells() bool {
	of := func(root string, v value.Value) bool {
		return r.resource.Rule.Misspells(root, v) || r.resource.Response != nil && r.resource.Response.Misspells(root, v)
	}
	if r.resource.Kind != policy.Database {
		return of(rules.RootParams, r.args.Key(rules.RootParams))
	}
	for _, o := range operationRoots {
		if r.body.Key(o.key).Kind() == value.Object && of(o.root, r.body.Key(o.key)) {
			return true
		}
	}
	return slices.ContainsFunc(r.docs, func(doc value.Value) bool { return of(rules.RootDoc, doc) })
}

func (r *Request) readForm(text string) *Refusal {
	ps, err := r.parseForm(text)
	if err == errFields {
		return tooLarge("form: " + err.Error())
	}
	if err == nil {
		err = checkTwins(ps, r.resource.Params)
	}
	if err == nil {
		err = checkForm(ps, r.head.query)
	}
	if err == nil && r.formNamesMethod(ps) {
		err = errOtherMethod
	}
	if err != nil {
		return malformed("form: " + err.Error())
	}
	r.pairs = ps
	r.setParams(formParams, object(ps))
	return nil
}

func (r *Request) readNoBody() *Refusal {
	if r.resource.Kind == policy.Database {
		return noOperation()
	}
	v := value.Value{}
	if r.resource.Kind == policy.Route {
		var err error
		if v, err = r.bodylessParams(); err != nil {
			return malformed("query: " + err.Error())
		}
	}
	r.setParams(r.params, v)
	return nil
}

func (r *Request) setParams(source paramsSource, v value.Value) {
	r.params, r.args = source, r.args.With(rules.RootParams, v)
}

func noOperation() *Refusal { return malformed("a database operation needs a body") }
