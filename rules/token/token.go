// Package token verifies and mints JSON Web Tokens (RFC 7519) in the JWS
// compact form (RFC 7515) with keys that are known when the policy is loaded.
//
// It is compiled into the proxy's module, so it does without crypto/x509 and
// encoding/json; rules/RATIONALE.md has the sizes. The cryptography itself is
// the standard library's, reached through one function a family of algorithms
// (signature.go), where a host's own implementation can take its place.
package token

import (
	"fmt"
	"time"
)

const (
	// maxToken bounds a token's text, before anything of it is decoded.
	maxToken = 16 << 10
	// maxDepth bounds the nesting of a header and of claims.
	maxDepth = 64
	// maxQuoted bounds what a message repeats of a token's header.
	maxQuoted = 64
)

// The stages of a verification, in their order.
const (
	StageParse     = "parse"     // the text, its three segments, the header
	StageKey       = "key"       // the choice of a key by alg and kid
	StageSignature = "signature" // no chosen key made this signature
	StageClaims    = "claims"    // the payload is no JSON object, or an ambiguous one
	StageTime      = "time"      // exp, nbf, iat
	StageAudience  = "audience"
	StageIssuer    = "issuer"
)

// Error says why a token was refused. It is meant for the operator: the client
// is told a fixed phrase, whatever the stage.
type Error struct {
	Stage   string // one of the Stage constants
	Message string // never holds a claim's value or a part of a key

	// Missing are the remote sets (their indices, Set.WithKeys) that may hold the
	// key of the kid, if they were fetched now; nil: none, the token is refused
	// for good. All that the token says of itself was judged by then.
	Missing []int
	Kid     string // of the token, where Missing is not nil
}

func (e *Error) Error() string { return e.Stage + ": " + e.Message }

func fail(stage, format string, args ...any) error {
	return &Error{Stage: stage, Message: fmt.Sprintf(format, args...)}
}

// Claims are what a verified token says.
type Claims struct {
	// JSON is the payload as it was signed: one object without repeated keys,
	// in valid UTF-8, at most 64 levels deep.
	JSON string
	// Provider is the Name of the Key that verified the token.
	Provider string
	// Expires is the first instant at which the token is refused, NotBefore
	// the first at which it is accepted, the leeway included in both. Zero:
	// the token names none. NotBefore covers iat too.
	Expires, NotBefore time.Time
}

// quote makes text of a header fit for a message: escaped and bounded.
func quote(s string) string {
	if len(s) > maxQuoted {
		return fmt.Sprintf("%.*q…", maxQuoted, s)
	}
	return fmt.Sprintf("%q", s)
}
