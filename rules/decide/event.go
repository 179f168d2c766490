package decide

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// untyped reports whether the request is an event whose type is not known yet. The
// body tells it, and with it the resource.
func (r *Request) untyped() bool {
	return r.event.HasTypes() && r.body.Kind() == value.Missing
}

// awaitEvent asks for the body of an event.
func (r *Request) awaitEvent() Step {
	if r.bodyless {
		return r.refuse(noEvent())
	}
	return r.awaitBody()
}

// readEvent reads the body of an event, and goes on with the resource of its type.
func (r *Request) readEvent(text string) Step {
	early := r.resource.Auth.Reads() // the same for all events: it was looked at
	if refusal := r.readType(text); refusal != nil {
		return r.refuse(refusal)
	}
	if early {
		return r.admitted()
	}
	return r.admit(r.received)
}

// readType parses the body and sets the resource.
func (r *Request) readType(text string) *Refusal {
	if text == "" {
		return noEvent()
	}
	if _, refusal := r.media(); refusal != nil {
		return refusal
	}
	v, refusal := r.parseEnvelope(text, "type", "delay", "timestamp", "payload", "options", "isSynchronous")
	if refusal != nil {
		return refusal
	}
	name, ok := v.Key("type").Text()
	if !ok || name == "" {
		return malformed("body: type: want the type of the event, a text")
	}
	covering := r.event.Of(name)
	if covering == nil {
		return notFound(route.ErrNotCovered)
	}
	r.body, r.resource = v, covering
	if r.otherCase(rules.RootParams, v.Key("payload")) {
		return malformed("body: " + errOtherCase.Error())
	}
	return nil
}

func noEvent() *Refusal { return malformed("an event needs a body") }

// paramsKey is the key of the body that holds args.params, of a memberParams.
func (r *Request) paramsKey() string {
	if r.resource.Kind == policy.Event {
		return "payload"
	}
	return "params"
}
