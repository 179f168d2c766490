// Package token verifies and mints JSON Web Tokens (RFC 7519) in the JWS
// compact form (RFC 7515) with the keys of a policy.
//
// A Set holds the keys; a Cache remembers the tokens that a Set has verified.
// Package keys below it knows algorithms, keys and signatures.
package token

import (
	"time"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	// MaxJWKS bounds the text of a fetched JWK set, in bytes.
	MaxJWKS = keys.MaxSet

	// maxToken bounds a token's text, before anything of it is decoded.
	maxToken = 16 << 10
	// maxDepth bounds the nesting of a header and of claims.
	maxDepth = 64
)

// Stage is a step of a verification.
type Stage string

// The stages of a verification, in their order.
const (
	StageParse     Stage = "parse"     // the text, its three segments, the header
	StageKey       Stage = "key"       // the choice of a key by alg and kid
	StageSignature Stage = "signature" // no chosen key made this signature
	StageClaims    Stage = "claims"    // the payload is not a JSON object, or an ambiguous one
	StageTime      Stage = "time"      // exp, nbf, iat
	StageAudience  Stage = "audience"
	StageIssuer    Stage = "issuer"
	StageActive    Stage = "active"   // of an opaque token: its issuer does not say that it is active
	StageProvider  Stage = "provider" // an entry accepts the token, and the caller does not take that entry
)

// Error says why a token was refused. It is for the operator: a client gets the
// same phrase at every stage.
type Error struct {
	Stage   Stage
	Message string // never holds a claim's value or a part of a key

	// Missing are the indices of the fetched sets (Set.WithKeys) that may have
	// the token's key, if they are fetched now. Nil: the token is refused for
	// good. The token's claims are checked before a set is listed here.
	Missing []int
	Kid     string // of the token, where Missing is not nil; "": it has none
}

func (e *Error) Error() string { return string(e.Stage) + ": " + e.Message }

func fail(stage Stage, format string, args ...any) error {
	return &Error{Stage: stage, Message: lightfmt.Sprintf(format, args...)}
}

// Claims are the claims of a verified token.
type Claims struct {
	// JSON is the payload as it was signed: one object without repeated keys,
	// in valid UTF-8, at most 64 levels deep.
	JSON string
	// Value is JSON as a value. In a Cache it is indexed.
	Value value.Value
	// Memo keeps answers that depend on these claims alone; nil outside of a Cache.
	Memo *Memo
	// Provider is the Name of the Key that accepted the token.
	Provider string
	// Expires is the first instant at which the token is refused, NotBefore
	// the first at which it is accepted, the leeway included in both. Zero:
	// the token has no such claim. NotBefore covers iat too.
	Expires, NotBefore time.Time
}
