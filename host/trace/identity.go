package trace

import (
	"errors"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// stages are the stages of a verification, in order.
var stages = [...]token.Stage{
	token.StageParse, token.StageKey, token.StageSignature, token.StageClaims, token.StageTime,
	token.StageAudience, token.StageIssuer, token.StageProvider,
}

// token is the record of the token, nil where no resource covers the request.
func (b *builder) token() *Token {
	r, req := b.Result.Resource, b.Result.Request
	if r == nil {
		return nil
	}
	out := &Token{Read: r.Auth.Reads(), Simulated: b.Request.Claims.Kind() != value.Missing}
	if !out.Read {
		return out
	}
	claims, verified := req.Identity()
	if out.Verified = verified; verified {
		out.Claims = b.mask.show(claims, b.mask.at(names([]string{rules.RootAuth})), b.o.Limits.Value)
	}
	var found *decide.Credential
	all := req.Credentials()
	for i := range all {
		c := &all[i]
		s := Source{Place: sourceName(c.Source), Found: c.Token != ""}
		if c.Err != nil {
			s.Reason = c.Err.Error()
		}
		if found == nil && c.Token != "" {
			found = c
		}
		out.Sources = append(out.Sources, s)
	}
	if b.Result.Outcome == decide.BadToken {
		out.Reason = b.mask.Text(b.Result.Reason)
	}
	if found != nil && !out.Simulated {
		b.verify(out, found)
	}
	b.introspections(out)
	return out
}

// introspections adds the calls to the issuers of opaque tokens. The stages are those
// of a token with a signature, so they go.
func (b *builder) introspections(out *Token) {
	for i := range b.Result.Calls {
		c := &b.Result.Calls[i]
		if c.Kind != rules.Introspect {
			continue
		}
		shown := Call{Kind: c.Kind.String(), URL: b.mask.Text(c.URL), Reply: &Reply{Status: c.Reply.Status, Error: b.mask.Text(c.Reply.Err)}}
		if answer, err := value.Parse(c.Reply.Body, maxShownDepth); err == nil {
			shown.Reply.Body = b.mask.show(answer, b.mask.at(names([]string{rules.RootAuth})), b.o.Limits.Value)
		}
		out.Calls, out.Stages = append(out.Calls, shown), nil
	}
}

// verify adds the stages of the verification, and each entry's answer.
func (b *builder) verify(out *Token, c *decide.Credential) {
	now, takes := b.Request.Now, b.Result.Resource.Auth.Accepts
	var err error
	if c.Source.APIKeys {
		_, err = b.all.APIKey(c.Source.Header, c.Token, now, takes)
	} else {
		_, err = b.all.VerifyFor(c.Token, now, takes)
	}
	var refusal *token.Error
	errors.As(err, &refusal)
	result := "ok"
	for _, s := range stages {
		stage := Stage{Name: string(s), Result: result}
		if refusal != nil && refusal.Stage == s {
			stage.Result, stage.Reason = "refused", b.mask.Text(refusal.Message)
			result = "not reached"
		}
		out.Stages = append(out.Stages, stage)
	}
	if c.Source.APIKeys {
		return
	}
	for _, e := range b.all.Explain(c.Token, now, takes) {
		entry := Entry{Provider: e.Provider, Algs: e.Algs, Fetched: e.Fetched, Accepted: e.Refusal == nil}
		if errors.As(e.Refusal, &refusal) {
			entry.Stage, entry.Reason = string(refusal.Stage), b.mask.Text(refusal.Message)
		}
		out.Entries = append(out.Entries, entry)
	}
}

// sourceName names a place of tokens.
func sourceName(s policy.Source) string {
	switch {
	case s.APIKeys:
		return "API key in header " + s.Header
	case s.Header != "":
		return "header " + s.Header
	case s.Cookie != "":
		return "cookie " + s.Cookie
	}
	return "query parameter " + s.Query
}
