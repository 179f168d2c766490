package target

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/sony/gobreaker/v2"
)

const (
	// TripAfter consecutive failures open the breaker of a target.
	TripAfter = 10
	// breakFor is how long an open breaker refuses calls before it lets one try. A
	// target that restarts waits at most this long for its first call.
	breakFor = time.Second
)

// State is the state of a breaker.
type State int

const (
	Closed   State = iota // calls pass
	HalfOpen              // one call tries the target
	Open                  // no call passes
)

type breaker = gobreaker.TwoStepCircuitBreaker[Answer]

func newBreaker(name string, log *slog.Logger) *breaker {
	return gobreaker.NewTwoStepCircuitBreaker[Answer](gobreaker.Settings{
		Timeout:      breakFor,
		ReadyToTrip:  func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= TripAfter },
		IsSuccessful: func(err error) bool { return !targetDown(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) }, // the caller left
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn("breaker", "target", name, "from", from.String(), "to", to.String())
		},
	})
}

func stateOf(b *breaker) State {
	switch b.State() {
	case gobreaker.StateClosed:
		return Closed
	case gobreaker.StateHalfOpen:
		return HalfOpen
	}
	return Open
}

var errStatus = errors.New("the status says that the host cannot answer")

// cannotAnswer reports whether a status says that the server, or a proxy before
// it, cannot answer now (RFC 9110, sections 15.6.3 to 15.6.5). A 500 may be the
// fault of one request, so it does not count.
func cannotAnswer(status int) bool {
	return status >= http.StatusBadGateway && status <= http.StatusGatewayTimeout
}

// targetDown reports whether err comes from the state of the target, so that the
// next call would fail too. An error of the call itself does not count: one client
// with a bad request must not open the breaker for all.
func targetDown(err error) bool {
	var e *failure.Error
	var network net.Error
	switch {
	case err == nil:
		return false
	case errors.As(err, &e) && e.TargetDown:
		return true
	case errors.As(err, &e) && e.Phrase != failure.Database && e.Phrase != failure.Webhook:
		return e.Phrase == failure.TimedOut || e.Phrase == failure.Refused
	}
	return errors.Is(err, errStatus) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}
