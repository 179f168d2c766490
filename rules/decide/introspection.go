package decide

import (
	"errors"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/token"
)

// introspection is the question to the issuers of opaque tokens whether one of them
// takes the request's token (RFC 7662).
type introspection struct {
	token   string
	at      time.Time
	entries []int        // of opaque tokens
	calls   []rules.Call // one for each entry
	// refusal answers if no issuer takes the token: the token may also be a JWT whose
	// keys cannot be fetched.
	refusal *Refusal
}

// introspect looks for the answer of an issuer about a token that the keys at hand do
// not verify. Refusal is the answer if there is no issuer to ask.
func (r *Request) introspect(raw string, refusal *Refusal, now time.Time) (wait state, _ *Refusal) {
	set := r.engine.keys.Set()
	entries := set.Introspections(raw, r.resource.Auth.Accepts)
	if len(entries) == 0 {
		return ended, refusal
	}
	asked := &introspection{token: raw, at: now, entries: entries, refusal: refusal}
	for _, i := range entries {
		if claims, ok := r.engine.tokens.Introspection(set, i, raw, now); ok {
			return ended, r.acceptToken(raw, &claims)
		}
		issuer := r.engine.policy.Issuers[i]
		asked.calls = append(asked.calls, rules.Call{
			ID: "issuer/" + strconv.Itoa(i), Kind: rules.Introspect, URL: issuer.URL, ClientID: issuer.ClientID, UserToken: raw,
		})
	}
	r.asked = asked
	return awaitIssuer, nil
}

// introspected decides about the token by the answers of the issuers, the first entry
// first. One that takes the token is enough; if none does, and one has not answered, the
// answer is 503.
func (r *Request) introspected(replies []rules.Reply) Step {
	asked, set := r.asked, r.engine.keys.Set()
	r.asked = nil
	var failed *Refusal
	refusal := asked.refusal
	for n, i := range asked.entries {
		body, err := answerTo(&asked.calls[n], replies)
		var claims token.Claims
		if err == nil {
			claims, err = r.engine.tokens.Introspected(set, i, asked.token, body, asked.at)
		}
		_, no := errors.AsType[*token.Error](err)
		switch {
		case err == nil:
			return r.proceed(r.acceptToken(asked.token, &claims))
		case !no:
			failed = unavailable("token: introspection failed: " + err.Error())
		case refusal.Status == 401:
			refusal = r.engine.badToken(err)
		}
	}
	if failed != nil {
		refusal = failed
	}
	return r.proceed(refusal)
}

// proceed goes on to the rule, or refuses.
func (r *Request) proceed(refusal *Refusal) Step {
	if refusal = r.unlessIgnored(refusal); refusal != nil {
		return r.refuse(refusal)
	}
	return r.admitted()
}

// answerTo returns the body of an issuer's answer.
func answerTo(call *rules.Call, replies []rules.Reply) (string, error) {
	for _, reply := range replies {
		switch {
		case reply.ID != call.ID:
			continue
		case reply.Err != "":
			return "", errors.New(reply.Err)
		case reply.Status != 200:
			return "", errors.New("the issuer answered " + strconv.Itoa(reply.Status))
		}
		return reply.Body, nil
	}
	return "", errors.New("no reply")
}
