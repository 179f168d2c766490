package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/wire"
	"github.com/spf13/cobra"
)

// serveFlags are what `rulegate serve` is told beside the policy. They hold until
// it ends; the policy can be loaded anew.
type serveFlags struct {
	listen, admin string
	tls           tlsFiles
	inFlight      int
	bytes, cache  size
}

func newServeCommand() *cobra.Command {
	f := serveFlags{bytes: 128 << 20, cache: 32 << 20}
	cmd := &cobra.Command{
		Use:   "serve policy.yaml",
		Short: "Run the companion, which makes the queries and webhooks of the rules",
		Long: `Serve answers the module's calls on POST /v1/calls; /healthz says that it runs, /readyz that
the databases answer. It takes the policy that the module has, and the same secrets.

SIGHUP loads the policy and the certificates anew, without a call lost; a faulty policy leaves
the old one in place. SIGTERM lets the calls that run finish. The log goes to standard error,
one JSON object a line. Traces go by OTLP over HTTP to where OTEL_EXPORTER_OTLP_ENDPOINT says.`,
		Example: `  rulegate serve policy.yaml --listen 127.0.0.1:9000 --admin 127.0.0.1:9001
  rulegate serve policy.yaml --listen unix:///run/rulegate/companion.sock`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return serve(cmd, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:9000", "address to listen on, host:port or unix:/path; the socket is for this user alone")
	flags.StringVar(&f.admin, "admin", "", "address for /healthz, /readyz and /metrics (Prometheus), host:port or unix:/path")
	flags.StringVar(&f.tls.cert, "tls-cert", "", "PEM file with the certificate to show: TLS from then on")
	flags.StringVar(&f.tls.key, "tls-key", "", "PEM file with its key")
	flags.StringVar(&f.tls.clientCA, "client-ca", "", "PEM file with the certificates that a client's must be signed by: without one it is turned away")
	flags.IntVar(&f.inFlight, "in-flight", 1024, "requests that are served at once; one more gets 503")
	flags.Var(&f.bytes, "in-flight-bytes", "bytes of their bodies and answers, at once; with more, 503")
	flags.Var(&f.cache, "cache", "bytes for answers that rules allow to keep")
	return cmd
}

func (f *serveFlags) check() error {
	if f.inFlight < 1 {
		return usagef("--in-flight: want a number over 0, found %d", f.inFlight)
	}
	return f.tls.check()
}

// size is a flag for bytes, such as 64MiB.
type size int

func (s *size) String() string { return schema.FormatSize(int(*s)) }
func (s *size) Type() string   { return "size" }
func (s *size) Set(text string) error {
	n, ok := schema.ParseSize(text)
	if !ok || n == 0 {
		return errors.New("want a size such as 64MiB")
	}
	*s = size(n)
	return nil
}

func serve(cmd *cobra.Command, path string, f serveFlags) error {
	log := slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	cfg, err := loadCompanion(path, f, log)
	if err != nil {
		return err
	}
	certs, err := f.tls.load()
	if err != nil {
		return err
	}
	tracer, stopTracing, err := tracing(cmd.Context(), log)
	if err != nil {
		return err
	}
	defer func() {
		last, cancel := graceful(cmd.Context())
		defer cancel()
		if err := stopTracing(last); err != nil {
			log.Warn("traces", "error", err.Error())
		}
	}()
	cfg.Tracer = tracer
	service, err := companion.NewService(cfg)
	if err != nil {
		return err
	}
	l, url, err := listen(f.listen, private)
	if err != nil {
		return err
	}
	l, url = certs.listener(l, url)
	var admin net.Listener
	if f.admin != "" {
		var at string
		if admin, at, err = listen(f.admin, private); err != nil {
			l.Close()
			return err
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "rulegate: admin on %s\n", at); err != nil {
			return err
		}
	}
	ctx := untilSignal(cmd.Context())
	onHangup(ctx, func() {
		if err := reload(service, certs, path, f, log); err != nil {
			log.Error("reload failed; the old policy stays", "error", err.Error())
			return
		}
		log.Info("policy reloaded", "file", path)
	})
	if err := sayReady(cmd.OutOrStdout(), url); err != nil {
		return err
	}
	return service.Serve(ctx, l, admin, grace)
}

// reload changes all or nothing.
func reload(service *companion.Service, certs *certificates, path string, f serveFlags, log *slog.Logger) (err error) {
	defer func() { service.Reloaded(err) }()
	cfg, err := loadCompanion(path, f, log)
	if err != nil {
		return err
	}
	fresh, err := f.tls.load()
	if err != nil {
		return err
	}
	if err := service.Replace(cfg); err != nil {
		return err
	}
	certs.take(fresh)
	return nil
}

// onHangup runs f for SIGHUP, one after the other, until ctx ends.
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

func loadCompanion(path string, f serveFlags, log *slog.Logger) (companion.Config, error) {
	file, err := loadFile(path, policy.Options{}, warnings{log})
	if err != nil {
		return companion.Config{}, err
	}
	if len(file.policy.Companion.Secrets) == 0 {
		return companion.Config{}, errors.New("module and companion share no secret: set companion.secret in the policy, or mark an HS key of auth.tokens with primary: true")
	}
	cfg := companionConfig(file.policy, log)
	cfg.Limits.InFlight, cfg.Limits.InFlightBytes, cfg.Limits.Cache = f.inFlight, int(f.bytes), int(f.cache)
	return cfg, nil
}

// warnings makes a line of the log of each that is written.
type warnings struct{ log *slog.Logger }

func (w warnings) Write(p []byte) (int, error) {
	w.log.Warn("policy", "warning", strings.TrimSpace(string(p)))
	return len(p), nil
}

// companionConfig is a companion that reaches what the policy names, and no
// more: of a database the collections that rules query.
func companionConfig(p *policy.Policy, log *slog.Logger) companion.Config {
	cfg := companion.Config{
		Project:     p.Project,
		Keys:        wire.DeriveKeys(p.Companion.Secrets...),
		Webhooks:    p.Webhooks,
		WebhookPool: companion.Pool(p.Hooks.Pool),
		WebhookTLS:  companion.WebhookTLS{CA: p.Hooks.CA, Cert: p.Hooks.Cert, Key: p.Hooks.Key},
		Limits:      companion.Limits{Calls: p.Limits.Calls},
		Log:         log,
	}
	for _, d := range p.Databases {
		if len(d.Queried) > 0 {
			cfg.Databases = append(cfg.Databases, companion.Source{Name: d.Name, Type: d.Type, Conn: d.Conn, Collections: d.Queried, Pool: companion.Pool(d.Pool)})
		}
	}
	return cfg
}
