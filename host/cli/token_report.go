package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// tokenReport is a decoded token. Nothing in it is verified, unless a policy
// checked it.
type tokenReport struct {
	header, claims segment
	signature      int   // bytes
	fault          error // of the token as a whole

	policy  string       // path of the policy that checked the token; "": none did
	checked token.Claims // of a token that the policy accepts
	refusal error        // nil: the policy accepts the token
}

// segment is a part of a token that holds a JSON object.
type segment struct {
	value value.Value // Missing: it cannot be decoded
	fault error
}

// reportDepth bounds the nesting of a header or of claims, as in verification.
const reportDepth = 64

// decodeToken decodes as much of a token as it can.
func decodeToken(raw string) tokenReport {
	var r tokenReport
	segments := strings.Split(raw, ".")
	if len(segments) == 5 {
		r.fault = errors.New("five segments: an encrypted token (JWE), which cannot be decoded without its key")
		return r
	}
	if len(segments) != 3 {
		r.fault = fmt.Errorf("want three segments, found %d", len(segments))
	}
	r.header = decodeSegment(segments[0])
	if len(segments) > 1 {
		r.claims = decodeSegment(segments[1])
	}
	if len(segments) > 2 {
		signature, err := decodeBase64(segments[2])
		if err != nil && r.fault == nil {
			r.fault = fmt.Errorf("signature: %w", err)
		}
		r.signature = len(signature)
	}
	return r
}

func decodeSegment(text string) segment {
	b, err := decodeBase64(text)
	if err != nil {
		return segment{fault: err}
	}
	v, err := value.Parse(string(b), reportDepth)
	switch {
	case err != nil:
		return segment{fault: fmt.Errorf("not the JSON of a token: %w", err)}
	case v.Kind() != value.Object:
		return segment{fault: fmt.Errorf("want a JSON object, found %v", v.Kind())}
	}
	return segment{value: v}
}

// decodeBase64 decodes base64url without padding (RFC 7515, section 2).
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, errors.New("not base64url without padding")
	}
	return b, nil
}

// malformed reports whether a part of the token could not be decoded.
func (r *tokenReport) malformed() bool {
	return r.fault != nil || r.header.fault != nil || r.claims.fault != nil
}

// check verifies the token with the keys of a policy file.
func (r *tokenReport) check(raw, policy string, keys *token.Set, now time.Time) {
	r.policy = policy
	r.checked, r.refusal = keys.Verify(raw, now)
}

// stages are the stages of a verification, in order.
var stages = [...]token.Stage{
	token.StageParse, token.StageKey, token.StageSignature, token.StageClaims, token.StageTime, token.StageAudience, token.StageIssuer,
}

// stageResults lists the result of each stage of the verification: "ok", "refused: …",
// or "" for a stage after the refusal.
func (r *tokenReport) stageResults() []value.Member {
	var refusal *token.Error
	errors.As(r.refusal, &refusal)
	var all []value.Member
	reached := true
	for _, stage := range stages {
		result := "ok"
		switch {
		case !reached:
			result = ""
		case refusal != nil && refusal.Stage == stage:
			result, reached = "refused: "+refusal.Message, false
		}
		all = append(all, member(string(stage), value.Str(result)))
	}
	return all
}

// json is the report for programs.
func (r *tokenReport) json() value.Value {
	verified := value.NullValue
	if r.policy != "" {
		verified = value.Boolean(r.refusal == nil)
	}
	out := []value.Member{member("verified", verified)}
	out = append(out, r.header.members("header")...)
	out = append(out, r.claims.members("claims")...)
	if r.fault != nil {
		out = append(out, member("error", value.Str(r.fault.Error())))
	}
	out = append(out, member("signatureBytes", value.Int(int64(r.signature))))
	if r.policy != "" {
		out = append(out, member("stages", value.Obj(r.stageResults()...)))
	}
	return value.Obj(out...)
}

func (s *segment) members(name string) (out []value.Member) {
	if s.value.Kind() != value.Missing {
		out = append(out, member(name, s.value))
	}
	if s.fault != nil {
		out = append(out, member(name+"Error", value.Str(s.fault.Error())))
	}
	return out
}
