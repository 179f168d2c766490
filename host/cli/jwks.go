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
	"strings"
	"syscall"
	"time"

	"github.com/rulegate/rulegate/host/issuer"
	"github.com/spf13/cobra"
)

// jwksFlags are what `rulegate jwks` is told.
type jwksFlags struct {
	listen, name         string
	algs                 []string
	maxAge, overlap, ttl time.Duration
	public               bool
}

func newJWKSCommand() *cobra.Command {
	var f jwksFlags
	cmd := &cobra.Command{
		Use:   "jwks",
		Short: "Run an issuer of tokens for development, whose keys rotate on demand",
		Long: `Jwks makes keys, serves their public halves as a JWK set and signs whatever claims it is sent.
Whoever reaches it gets any token, so it listens on this machine alone unless --public is given.
The keys are in memory, and new with each start.

  GET  ` + issuer.Path + `   the set
  POST /token[?alg=RS256]       the claims in the body, as a token
  POST /rotate                  new keys; SIGHUP does the same
  GET  /healthz`,
		Example: `  rulegate jwks --listen 127.0.0.1:10004 --alg ES256,RS256
  curl http://127.0.0.1:10004/token -d '{"id":"ana"}'
  curl -X POST http://127.0.0.1:10004/rotate`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return runIssuer(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:10004", "address to listen on, host:port; port 0 is any free one")
	flags.StringSliceVar(&f.algs, "alg", []string{"ES256"}, "algorithms, a key for each; the first signs where nothing else is asked for")
	flags.StringVar(&f.name, "issuer", "", "iss of tokens whose claims have none (default: the URL that it listens on)")
	flags.DurationVar(&f.maxAge, "max-age", 5*time.Minute, "how long the set may be kept (Cache-Control); 0 for no-store")
	flags.DurationVar(&f.overlap, "overlap", 10*time.Minute, "how long a key stays in the set after a rotation")
	flags.DurationVar(&f.ttl, "ttl", time.Hour, "time to live of tokens whose claims have no exp")
	flags.BoolVar(&f.public, "public", false, "listen on an address that other machines reach")
	return cmd
}

func (f *jwksFlags) check() error {
	for _, span := range []struct {
		flag  string
		value time.Duration
		least time.Duration
	}{{"--max-age", f.maxAge, 0}, {"--overlap", f.overlap, 0}, {"--ttl", f.ttl, time.Second}} {
		if span.value < span.least {
			return usagef("%s: want %v or more, found %v", span.flag, span.least, span.value)
		}
	}
	if strings.HasPrefix(f.listen, "unix:") {
		return usagef("--listen %s: want host:port: a key set is fetched from a URL", f.listen)
	}
	if !f.public && !loopback(f.listen) {
		return usagef("--listen %s: others can reach it, and would get any token: listen on 127.0.0.1, or say --public", f.listen)
	}
	return nil
}

// loopback says whether an address is of this machine alone. A name counts as
// one only if it is localhost: what others resolve to is for their DNS to say.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true // listen says what is wrong with it
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func runIssuer(cmd *cobra.Command, f jwksFlags) error {
	l, url, err := listen(f.listen, private)
	if err != nil {
		return err
	}
	defer l.Close()
	if f.name == "" {
		f.name = url
	}
	maxAge := f.maxAge
	if maxAge == 0 {
		maxAge = -1
	}
	s, err := issuer.New(issuer.Config{Algs: f.algs, Name: f.name, MaxAge: maxAge, Overlap: f.overlap, TTL: f.ttl})
	if err != nil {
		return usagef("--alg: %w", err)
	}
	log := logger(cmd.ErrOrStderr())
	ctx := untilSignal(cmd.Context())
	rotateOnSignal(ctx, s, log)
	if err := sayIssuer(cmd.OutOrStdout(), s, url, f.name); err != nil {
		return err
	}
	if err := sayReady(cmd.OutOrStdout(), url); err != nil {
		return err
	}
	return serveIssuer(ctx, l, s, log)
}

func serveIssuer(ctx context.Context, l net.Listener, s *issuer.Issuer, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := graceful(ctx)
	defer cancel()
	if err := srv.Shutdown(last); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}

// rotateOnSignal rotates on each SIGHUP until ctx ends.
func rotateOnSignal(ctx context.Context, s *issuer.Issuer, log *slog.Logger) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				if err := s.Rotate(); err != nil {
					log.Error("not rotated", "error", err.Error())
					continue
				}
				log.Info("rotated", "kids", s.Kids())
			}
		}
	}()
}

// sayIssuer prints what to do with it.
func sayIssuer(w io.Writer, s *issuer.Issuer, url, name string) error {
	_, err := fmt.Fprintf(w, `keys: %s
For the policy:

auth:
  tokens:
    - {name: dev, jwks: {url: "%s%s", cluster: issuer}, issuer: [%q]}

`, strings.Join(s.Kids(), ", "), url, issuer.Path, name)
	return err
}
