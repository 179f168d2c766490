package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// grace is how long requests that are under way may take after a signal.
const grace = 10 * time.Second

// reach says who may use a Unix socket.
type reach bool

const (
	private reach = false // this user alone
	shared  reach = true  // whom the umask allows
)

// listen opens `host:port` or `unix:/path`; url is what to reach it by.
func listen(addr string, who reach) (l net.Listener, url string, err error) {
	network, at := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		if !filepath.IsAbs(path) {
			return nil, "", usagef("--listen: address %q: want unix: and an absolute path", addr)
		}
		network, at = "unix", filepath.Clean(path)
	} else if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, "", usagef("--listen: address %q: want host:port or unix:/path", addr)
	}
	if network == "unix" {
		l, err = listenSocket(at, who)
	} else {
		l, err = net.Listen(network, at)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, "", fmt.Errorf("--listen %s: address already in use: stop what listens there, or choose another", addr)
	case err != nil:
		return nil, "", fmt.Errorf("--listen %s: %w", addr, err)
	case network == "unix":
		return l, "unix:" + at, nil
	}
	return l, "http://" + l.Addr().String(), nil
}

// sayReady prints the one line that whoever started the command waits for.
func sayReady(w io.Writer, url string) error {
	_, err := fmt.Fprintf(w, "rulegate: ready on %s\n", url)
	return err
}

// untilSignal ends with the first SIGINT or SIGTERM, so that a service can end
// well; the second one ends the process at once, as signals do.
func untilSignal(ctx context.Context) context.Context {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// logger writes what happens while the command serves, one line each.
func logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, nil))
}

// graceful is a context for the end of a service: it outlives ctx by grace.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), grace)
}
