package companion

import (
	"context"
	"errors"
	"fmt"
)

// phrase is all that the module is told of a call that failed, with an id under
// which the log has the rest: what a driver or a server says may hold data.
type phrase string

const (
	timedOut      phrase = "timeout"
	refused       phrase = "refused"        // by the target
	databaseError phrase = "database error" // any other failure of a database
	webhookError  phrase = "webhook error"  // any other failure of a webhook
	notConfigured phrase = "not configured" // a database, collection or host that the configuration does not name
	badCall       phrase = "bad call"       // a call or a find that cannot be read, an unknown table or column
	tooLarge      phrase = "too large"      // an answer over the limit of bytes
	internal      phrase = "internal error" // a panic
	busy          phrase = "busy"           // too much at once: not tried, so nothing is logged
	unavailable   phrase = "unavailable"    // the target failed time after time: not tried, the same
)

// fault is a failed call: what the module is told and what the log is.
type fault struct {
	phrase phrase
	err    error
}

func (f *fault) Error() string { return string(f.phrase) + ": " + f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

func faultf(p phrase, format string, args ...any) error {
	return &fault{phrase: p, err: fmt.Errorf(format, args...)}
}

// phraseOf is what the module is told of err; otherwise is for an error that
// nothing more is known of.
func phraseOf(err error, otherwise phrase) phrase {
	var f *fault
	switch {
	case errors.As(err, &f):
		return f.phrase
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return timedOut
	}
	return otherwise
}
