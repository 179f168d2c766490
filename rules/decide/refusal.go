package decide

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Outcome sorts decisions for the metric rulegate_decisions_total.
type Outcome string

const (
	Yes       Outcome = "yes"
	No        Outcome = "no"
	Unknown   Outcome = "unknown"
	Failed    Outcome = "error"     // a call or the host failed
	BadToken  Outcome = "token"     // missing, invalid, or not accepted here
	Invalid   Outcome = "invalid"   // the request cannot be read
	Uncovered Outcome = "uncovered" // no resource of the policy covers the request
	Withheld  Outcome = "blocked"   // the response cannot be read or rewritten
	Full      Outcome = "memory"    // the VM has no memory left for the body
	Exhausted Outcome = "steps"     // the rule takes more steps than limits.steps
)

// Refusal is the answer to the client instead of the upstream's.
type Refusal struct {
	Status  int
	Body    string // {"error": …}
	Headers [][2]string

	Outcome Outcome
	Place   string // of the clause that decided; "": none did
	Name    string // of that clause, or of the nearest one around it that has a name
	Reason  string // for the log: it has no claims, but may quote the client's bytes
	Why     string // of an unknown, for the metric rulegate_unknown_total: see why

	message   string // for the client
	challenge string // of a 401: the value of WWW-Authenticate
	addressed bool   // Headers has those of address
}

// Where returns the place of the clause that decided, with its name.
func (r *Refusal) Where() string { return rules.Where(r.Place, r.Name) }

// phrases are the errors that clients get where no clause has its own `error`.
var phrases = map[int]string{
	400: "the request cannot be read",
	401: "a valid token is needed",
	403: "not allowed",
	412: "the condition cannot be judged",
	413: "the request is too large",
	415: "the body's type cannot be read",
	502: "the response cannot be given",
	503: "try again later",
}

//go:noinline
func malformed(reason string) *Refusal {
	return &Refusal{Status: 400, Outcome: Invalid, Reason: reason}
}

// unauthorized asks for a token. RFC 6750, section 3: a request that brought none
// gets no error code.
func (e *Engine) unauthorized(code, reason string) *Refusal {
	challenge := "Bearer"
	sep := " "
	for _, p := range [...][2]string{
		{"realm", e.policy.Challenge.Realm}, {"scope", e.policy.Challenge.Scope},
		{"resource_metadata", e.policy.Challenge.ResourceMetadata}, {"error", code},
	} {
		if p[1] != "" {
			challenge += sep + p[0] + `="` + p[1] + `"`
			sep = ", "
		}
	}
	return &Refusal{Status: 401, Outcome: BadToken, Reason: reason, challenge: challenge}
}

// badToken refuses a token, or a text that was meant as one.
func (e *Engine) badToken(err error) *Refusal {
	return e.unauthorized("invalid_token", "token: "+err.Error())
}

// unavailable is for a decision that another server keeps from being made.
func unavailable(reason string) *Refusal {
	why := "other"
	if strings.HasPrefix(reason, "token:") {
		why = "keys"
	}
	return &Refusal{Status: 503, Outcome: Failed, Reason: reason, Why: why}
}

// forbidden is for a token that may be valid and does not count here.
func forbidden(reason string) *Refusal {
	return &Refusal{Status: 403, Outcome: BadToken, Reason: reason}
}

//go:noinline
func tooLarge(reason string) *Refusal {
	return &Refusal{Status: 413, Outcome: Invalid, Reason: reason}
}

//go:noinline
func wrongType(reason string) *Refusal {
	return &Refusal{Status: 415, Outcome: Invalid, Reason: reason}
}

// undecided is for an unknown that no clause has decided.
func undecided(reason string) *Refusal {
	return &Refusal{Status: 403, Outcome: Unknown, Reason: reason, Why: "other"}
}

func outOfTurn(verb string) *Refusal { return undecided(verb + " out of turn") }

// withheld is for a response that cannot be read or rewritten.
//
//go:noinline
func withheld(reason string) *Refusal {
	return &Refusal{Status: 502, Outcome: Withheld, Reason: reason}
}

// InternalError refuses a request because its caller cannot go on.
func InternalError(reason string) Refusal {
	r := unavailable(reason)
	r.complete("")
	return *r
}

// MemoryReason is the reason of NoMemory.
const MemoryReason = "the bodies of all requests would take more than limits.memory"

// NoMemory refuses a message that its caller has no memory for. message is request
// or response.
func NoMemory(message string) Refusal {
	r := Refusal{Status: 503, Outcome: Full, Reason: message + ": " + MemoryReason}
	r.complete("")
	return r
}

// BadResponse refuses a response because its caller cannot go on.
func BadResponse(reason string) Refusal {
	r := withheld("response: " + reason)
	r.complete("")
	return *r
}

// denied turns a verdict other than yes into a refusal.
func denied(v *rules.Verdict) *Refusal {
	r := &Refusal{Status: 403, Outcome: Unknown, Place: v.Place, Name: v.Name, Reason: v.Reason}
	switch {
	case v.TooMany:
		r.Status, r.Outcome = 413, Invalid
		if r.Reason == "" {
			r.Reason = "more calls than limits.calls"
		}
	case v.Exhausted:
		r.Status, r.Outcome = 503, Exhausted
	case v.Failed:
		r.Status, r.Outcome = 503, Failed
	case v.Outcome == rules.No:
		r.Outcome = No
		if v.Status != 0 {
			r.Status = v.Status
		}
	}
	r.Why = why(r)
	r.complete(v.Message)
	return r
}

// why sorts an unknown by its reason: missing (an operand is not there), type (one has
// another type), call (one failed), steps, or other; keys is for tokens whose key server
// does not answer. It reads the reason, which quotes
// the policy and no value.
func why(r *Refusal) string {
	switch {
	case r.Outcome == Failed:
		return "call"
	case r.Outcome == Exhausted:
		return "steps"
	case r.Outcome != Unknown:
		return ""
	case strings.HasSuffix(r.Reason, "is missing"), strings.HasSuffix(r.Reason, " missing"):
		return "missing"
	case strings.Contains(r.Reason, "want ") && strings.Contains(r.Reason, "found "):
		return "type"
	}
	return "other"
}

// address adds the headers that depend on the request: its id, by which a client's
// report leads to the log, and those by which a browser shows the answer to a page of
// another origin.
func (r *Refusal) address(h *head, to *policy.Resource) {
	if r.addressed {
		return
	}
	r.addressed = true
	if to != nil && to.CORS != nil {
		if origins := h.values("origin"); len(origins) == 1 {
			r.Headers = append(r.Headers, to.CORS.ResponseHeaders(origins[0])...)
		}
	}
	if r.message != "" && len(h.types) == 1 && strings.HasPrefix(strings.ToLower(h.types[0]), "application/grpc") {
		// The proxy makes grpc-message of the body, which clients show as it is.
		r.Body, r.Headers[0] = r.message, [2]string{"content-type", "text/plain"}
	}
	if id := h.value("x-request-id"); id != "" && len(id) <= 128 && httpfield.IsValue(id) {
		r.Headers = append(r.Headers, [2]string{"x-request-id", id})
	}
}

// complete writes the answer to the client, unless it is written already. If
// message is "", the status has its phrase.
func (r *Refusal) complete(message string) {
	if r.Body != "" {
		return
	}
	if message == "" {
		message = phrases[r.Status]
	}
	if message == "" { // a status of a rule
		message = phrases[403]
	}
	r.message = message
	r.Body = value.Obj(value.Member{Key: "error", Value: value.Str(message)}).String()
	r.Headers = [][2]string{{"content-type", "application/json"}}
	if r.challenge != "" {
		r.Headers = append(r.Headers, [2]string{"www-authenticate", r.challenge})
	}
}
