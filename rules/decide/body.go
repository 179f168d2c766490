package decide

import (
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// awaitBody asks for the body, unless the headers already tell that it cannot
// be read.
func (s *Stream) awaitBody() Step {
	if s.head.length > s.MaxBody() {
		return s.refuse(tooLarge("content-length beyond limits.requestBody"))
	}
	if s.head.upgrade {
		return s.refuse(wrongType("an upgrade, whose body has no end"))
	}
	if s.head.length > 0 || len(s.head.types) > 0 || s.head.encoded {
		if _, r := s.media(); r != nil {
			return s.refuse(r)
		}
	} // else there may be no body, and then there is no type to miss
	s.phase = wantBody
	return Step{Action: AwaitBody, Resource: s.resource}
}

// media is how the body is to be read.
func (s *Stream) media() (httpfield.Media, *Refusal) {
	if s.head.encoded {
		return httpfield.Unreadable, wrongType("a content-encoding")
	}
	m := httpfield.ParseMedia(s.head.types)
	switch {
	case len(s.head.types) == 0:
		return m, wrongType("no content-type")
	case m == httpfield.Unreadable || m == httpfield.Form && s.resource.Kind != policy.Route:
		return m, wrongType("content-type")
	}
	return m, nil
}

// Body brings the complete body.
func (s *Stream) Body(text string) Step {
	if s.phase != wantBody {
		return s.refuse(undecided("body out of turn"))
	}
	s.phase, s.pending = over, false
	if len(text) > s.MaxBody() {
		return s.TooLarge()
	}
	if r := s.read(text); r != nil {
		return s.refuse(r)
	}
	return s.decide()
}

// read brings the body into args.
func (s *Stream) read(text string) *Refusal {
	if text == "" {
		return s.readEmpty()
	}
	m, r := s.media()
	if r != nil {
		return r
	}
	if m == httpfield.Form {
		ps, err := httpfield.ParseForm(text)
		if err != nil {
			return malformed("form: " + err.Error())
		}
		s.pairs, s.params = ps, fromForm
		params := object(ps)
		if s.bodyNamesMethod(params) {
			return malformed("form: " + otherMethod)
		}
		s.args = s.args.With("params", params)
		return nil
	}
	v, err := value.Parse(text, s.gate.policy.Limits.Depth)
	if err != nil {
		return malformed("body: " + err.Error())
	}
	s.body = v
	switch s.resource.Kind {
	case policy.Service:
		if v.Kind() != value.Object {
			return malformed("body: want an object, found " + v.Kind().String())
		}
		s.params = fromMember
		s.args = s.args.With("params", v.Key("params"))
		return nil
	case policy.Database:
		return s.readOperation()
	}
	if v.Kind() != value.Object && v.Kind() != value.Array {
		return malformed("body: want an object or an array, found " + v.Kind().String())
	}
	// The whole object is looked through only where the key may be there.
	if strings.Contains(text, overrideParameter) || strings.Contains(text, `\`) {
		if s.bodyNamesMethod(v) {
			return malformed("body: " + otherMethod)
		}
	}
	s.params = fromBody
	s.args = s.args.With("params", v)
	return nil
}

func (s *Stream) readEmpty() *Refusal {
	if s.resource.Kind == policy.Database {
		return malformed("a database operation needs a body")
	}
	v := value.Value{}
	if s.resource.Kind == policy.Route {
		var err error
		if v, err = s.bodyless(); err != nil {
			return malformed("query: " + err.Error())
		}
	}
	s.args = s.args.With("params", v)
	return nil
}
