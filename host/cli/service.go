package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rulegate/rulegate/host/listen"
	"github.com/rulegate/rulegate/rules/policy"
)

// grace is how long running requests may take after SIGINT or SIGTERM.
const grace = 10 * time.Second

// open listens on the address that a flag names. url is for clients.
func open(flag string, a listen.Address, access listen.Access) (l net.Listener, url string, err error) {
	if l, url, err = a.Open(access); err != nil {
		return nil, "", fmt.Errorf("%s %w", flag, err)
	}
	return l, url, nil
}

// sayReady prints the line that scripts wait for.
func sayReady(w io.Writer, url string) error {
	_, err := fmt.Fprintf(w, "rulegate: ready on %s\n", url)
	return err
}

// withVersion adds the version of the policy to the URL of the ready line.
func withVersion(url, version string) string { return url + " (policy " + version + ")" }

// withPolicy is withVersion, and says so if the policy protects nothing.
func withPolicy(url string, p *policy.Policy) string {
	text := withVersion(url, p.Version)
	if n := p.ShadowedResources(); n > 0 {
		text += fmt.Sprintf(", %d of %d resources in shadow: they protect nothing", n, len(p.Resources()))
	}
	if c := p.Candidate; c != nil {
		text += ", beside it the candidate " + c.Policy.Version
	}
	return text
}

// textLog logs one line of text an event.
func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. A
// second signal ends the process at once.
func untilSignal(ctx context.Context) context.Context {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// onHangup calls f for each SIGHUP, one call after the other, until ctx ends.
func onHangup(ctx context.Context, f func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hup)
		for {
			select {
			case <-hup:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
}

// withGrace returns a context for the work after ctx has ended.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), grace)
}

// serveHTTP serves on l until ctx ends or the server fails. Running requests and
// then stop share the time of grace.
func serveHTTP(ctx context.Context, srv *http.Server, l net.Listener, log *slog.Logger, stop func(context.Context) error) error {
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	last, cancel := withGrace(ctx)
	defer cancel()
	if late := srv.Shutdown(last); late != nil {
		log.Warn("running requests were aborted", "error", late.Error())
		srv.Close()
	}
	return errors.Join(err, stop(last))
}
