package decide

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// phrases are what a client is told where no rule has an `error` of its own.
var phrases = map[int]string{
	400: "the request cannot be read",
	401: "a valid token is needed",
	403: "not allowed",
	413: "the request is too large",
	415: "the body's type cannot be read",
	502: "the response cannot be given",
	503: "try again later",
}

func malformed(reason string) *Refusal {
	return &Refusal{Status: 400, Outcome: "invalid", Reason: reason}
}

func unauthorized(reason string) *Refusal {
	return &Refusal{Status: 401, Outcome: "token", Reason: reason}
}

// unavailable is for what cannot be decided because another server is away.
func unavailable(reason string) *Refusal {
	return &Refusal{Status: 503, Outcome: "error", Reason: reason}
}

// forbidden is for a token that may be good and does not count here.
func forbidden(reason string) *Refusal {
	return &Refusal{Status: 403, Outcome: "token", Reason: reason}
}

func tooLarge(reason string) *Refusal {
	return &Refusal{Status: 413, Outcome: "invalid", Reason: reason}
}

func wrongType(reason string) *Refusal {
	return &Refusal{Status: 415, Outcome: "invalid", Reason: reason}
}

// undecided is unknown for a reason that is not in a clause.
func undecided(reason string) *Refusal {
	return &Refusal{Status: 403, Outcome: "unknown", Reason: reason}
}

// Internal is the refusal of a caller that cannot go on.
func Internal(reason string) Refusal {
	r := Refusal{Status: 503, Outcome: "error", Reason: reason}
	r.complete("")
	return r
}

// denied turns a verdict other than yes into an answer.
func denied(v *rules.Verdict) *Refusal {
	r := &Refusal{Status: 403, Outcome: "unknown", Place: v.Place, Reason: v.Reason}
	switch {
	case v.TooMany:
		r.Status, r.Outcome = 413, "invalid"
		if r.Reason == "" {
			r.Reason = "more calls than limits.calls"
		}
	case v.Failed:
		r.Status, r.Outcome = 503, "error"
	case v.Outcome == rules.No:
		r.Outcome = "no"
	}
	r.complete(v.Message)
	return r
}

// complete writes what the client gets to see.
func (r *Refusal) complete(message string) {
	if message == "" {
		message = phrases[r.Status]
	}
	r.Body = value.Obj(value.Member{Key: "error", Value: value.Str(message)}).String()
	r.Headers = [][2]string{{"content-type", "application/json"}}
	if r.Status == 401 {
		// RFC 6750, section 3.
		r.Headers = append(r.Headers, [2]string{"www-authenticate", `Bearer error="invalid_token"`})
	}
}

// refuse ends the stream.
func (s *Stream) refuse(r *Refusal) Step {
	s.phase = over
	if r.Body == "" {
		r.complete("")
	}
	return Step{Action: Refuse, Refusal: *r, Resource: s.resource}
}
