// Package failure describes why a call failed: a phrase for the module, and an
// error with the details for the log. The details stay in the log, because the
// text of a driver or a server may hold data.
package failure

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Phrase is the reason that the module is told.
type Phrase string

const (
	TimedOut      Phrase = "timeout"
	Refused       Phrase = "refused"        // the target refused the connection or the login
	Database      Phrase = "database error" // any other failure of a database
	Webhook       Phrase = "webhook error"  // any other failure of a webhook
	Issuer        Phrase = "issuer error"   // any other failure of an issuer of opaque tokens
	NotConfigured Phrase = "not configured" // the configuration does not name this database, collection or host
	BadCall       Phrase = "bad call"       // a malformed call or find, an unknown table or column
	TooLarge      Phrase = "too large"      // the answer exceeds a limit
	Internal      Phrase = "internal error" // a panic or a contradiction
	Busy          Phrase = "busy"           // the queue or the memory limit is full; the call was not tried
	Unavailable   Phrase = "unavailable"    // the breaker is open; the call was not tried
)

// NotTried reports whether the call never reached its target. Such failures come
// in floods and are counted, not logged.
func (p Phrase) NotTried() bool { return p == Busy || p == Unavailable }

// Error is a failed call.
type Error struct {
	Phrase Phrase
	Err    error // for the log

	// TargetDown is set when the cause is the state of the target and not the
	// call: the next call would fail too, so the breaker counts it.
	TargetDown bool
}

func (e *Error) Error() string { return string(e.Phrase) + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// New returns err with the phrase for the module.
func New(p Phrase, err error) error { return &Error{Phrase: p, Err: err} }

// Errorf is New with the error that fmt.Errorf makes.
func Errorf(p Phrase, format string, args ...any) error {
	return New(p, fmt.Errorf(format, args...))
}

// PhraseOf returns the phrase of err: that of an Error, TimedOut for the end of a
// context, else otherwise.
func PhraseOf(err error, otherwise Phrase) Phrase {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Phrase
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return TimedOut
	}
	return otherwise
}

// Recover turns a panic into an error with its stack. It must be deferred
// directly.
func Recover(err *error) {
	if r := recover(); r != nil {
		*err = Errorf(Internal, "panic: %v\n%s", r, debug.Stack())
	}
}
