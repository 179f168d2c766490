package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/issuer"
	"github.com/rulegate/rulegate/host/listen"
	"github.com/spf13/cobra"
)

type jwksFlags struct {
	listen, name         string
	algs                 []string
	maxAge, overlap, ttl time.Duration
	public               bool

	address listen.Address // of listen
}

func newJWKSCommand() *cobra.Command {
	var f jwksFlags
	cmd := &cobra.Command{
		Use:   "jwks",
		Short: "Run a token issuer for development, with keys that rotate on demand",
		Long: `Jwks makes keys, serves their public halves as a JWK set and signs any claims that it is sent.
Everybody who can connect gets any token, so it listens on this machine only, unless --public is
given. The keys are in memory and new at each start.

  GET  ` + issuer.Path + `   the set
  GET  ` + issuer.MetadataPath + `   metadata that name it, for {oidc: …}
  POST /token[?alg=RS256]       a token with the claims in the body
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
	flags.StringVar(&f.listen, "listen", "127.0.0.1:10004", "address to listen on, host:port; port 0 picks a free port")
	flags.StringSliceVar(&f.algs, "alg", []string{"ES256"}, "algorithms, with a key for each; the first is the default of POST /token")
	flags.StringVar(&f.name, "issuer", "", "iss of tokens whose claims have none (default: the URL of the issuer)")
	flags.DurationVar(&f.maxAge, "max-age", 5*time.Minute, "how long clients may cache the set (Cache-Control); 0 for no-store")
	flags.DurationVar(&f.overlap, "overlap", 10*time.Minute, "how long a key stays in the set after a rotation")
	flags.DurationVar(&f.ttl, "ttl", time.Hour, "time to live of tokens whose claims have no exp")
	flags.BoolVar(&f.public, "public", false, "allow an address that other machines can reach")
	return cmd
}

func (f *jwksFlags) check() (err error) {
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
	if f.address, err = listen.ParseAddress(f.listen); err != nil {
		return usagef("--listen: %w", err)
	}
	return nil
}

// loopback reports whether only this machine can connect to an address. Of host
// names only localhost counts: DNS decides where other names lead.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true // ParseAddress reports it
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func runIssuer(cmd *cobra.Command, f jwksFlags) error {
	l, url, err := open("--listen", f.address, listen.Private)
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
	log := textLog(cmd.ErrOrStderr())
	ctx := untilSignal(cmd.Context())
	onHangup(ctx, func() { rotate(s, log) })
	if err := sayIssuer(cmd.OutOrStdout(), s, url, f.name); err != nil {
		return err
	}
	if err := sayReady(cmd.OutOrStdout(), url); err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return serveHTTP(ctx, srv, l, log, func(context.Context) error { return nil })
}

func rotate(s *issuer.Issuer, log *slog.Logger) {
	if err := s.Rotate(); err != nil {
		log.Error("not rotated", "error", err.Error())
		return
	}
	log.Info("rotated", "kids", s.Kids())
}

// sayIssuer prints the keys and the part of a policy that accepts them.
func sayIssuer(w io.Writer, s *issuer.Issuer, url, name string) error {
	_, err := fmt.Fprintf(w, `keys: %s
For the policy:

auth:
  tokens:
    - {name: dev, jwks: {url: "%s%s", cluster: issuer}, issuer: [%q]}

`, strings.Join(s.Kids(), ", "), url, issuer.Path, name)
	return err
}
