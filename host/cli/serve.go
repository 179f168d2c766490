package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/host/listen"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/wire"
	"github.com/spf13/cobra"
)

// serveFlags stay the same while the process runs; SIGHUP reloads the policy and
// the certificates only.
type serveFlags struct {
	listen, admin string
	tls           listen.TLSFiles
	inFlight      int
	bytes, cache  size
	watch         bool
	read          *readPaths // files of the policy
	decisions     string
	writer        *decisionlog.Writer // of the decision log; nil: none

	address, adminAddress listen.Address // of listen and admin
}

func newServeCommand() *cobra.Command {
	f := serveFlags{bytes: 128 << 20, cache: 32 << 20, read: &readPaths{}}
	cmd := &cobra.Command{
		Use:   "serve policy.yaml",
		Short: "Run the companion, which makes the rules' database queries and webhook calls",
		Long: `Serve answers the module's calls on POST /v1/calls. With --admin, /healthz answers while the
process runs, /readyz when the databases answer too. It needs the same policy and the same
secrets as the module.

SIGHUP reloads the policy and the certificates without losing a call; a faulty policy changes
nothing. --watch does the same when a file changes. SIGTERM lets running calls finish. The log goes to standard error, one JSON object a
line. Traces go by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT.

--decision-log writes the companion's part of the decision log, a line for each request for calls:
those that the log of the policy names, or all if it has none. With a log in the policy they also
go by OTLP. SIGHUP opens the file again.`,
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
	flags.StringVar(&f.listen, "listen", "127.0.0.1:9000", "address to listen on, host:port or unix:/path; only this user can open the socket")
	flags.StringVar(&f.admin, "admin", "", "address for /healthz, /readyz and /metrics (Prometheus), host:port or unix:/path")
	flags.StringVar(&f.tls.Cert, "tls-cert", "", "PEM file with the server's certificate; without it, the companion speaks plain HTTP")
	flags.StringVar(&f.tls.Key, "tls-key", "", "PEM file with the key of --tls-cert")
	flags.StringVar(&f.tls.ClientCA, "client-ca", "", "PEM file with the CA certificates of clients: clients without a certificate of theirs are refused")
	flags.IntVar(&f.inFlight, "in-flight", 1024, "requests served at once; one more gets 503")
	flags.Var(&f.bytes, "in-flight-bytes", "bytes of request bodies and answers held at once; a request beyond gets 503")
	flags.BoolVar(&f.watch, "watch", false, "reload when a file changes: the policy, the files that it names, and the certificates")
	flags.StringVar(&f.decisions, "decision-log", "", decisionLogHelp)
	flags.Var(&f.cache, "cache", "bytes for the answers that rules allow to cache")
	return cmd
}

func (f *serveFlags) check() (err error) {
	if f.inFlight < 1 {
		return usagef("--in-flight: want a number over 0, found %d", f.inFlight)
	}
	if err := f.tls.Check(); err != nil {
		return usageError{err}
	}
	if f.address, err = listen.ParseAddress(f.listen); err != nil {
		return usagef("--listen: %w", err)
	}
	if f.admin == "" {
		return nil
	}
	if f.adminAddress, err = listen.ParseAddress(f.admin); err != nil {
		return usagef("--admin: %w", err)
	}
	return nil
}

// size is a flag for a number of bytes, such as 64MiB.
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
	log, began := slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil)), time.Now()
	cfg, p, err := loadCompanion(path, f, log)
	if err != nil {
		return err
	}
	tls, err := f.tls.Load()
	if err != nil {
		return err
	}
	tracer, stopTracing, err := tracing(cmd.Context(), "rulegate-companion", log)
	if err != nil {
		return err
	}
	defer func() {
		last, cancel := withGrace(cmd.Context())
		defer cancel()
		if err := stopTracing(last); err != nil {
			log.Warn("traces", "error", err.Error())
		}
	}()
	cfg.Tracer = tracer
	if f.writer, err = openDecisions(cmd, f.decisions, "rulegate-companion", p.Log != nil, log); err != nil {
		return err
	}
	defer closeDecisions(cmd.Context(), f.writer, log)
	cfg.Decisions = f.logOf(p)
	service, err := companion.NewService(cfg)
	if err != nil {
		return err
	}
	l, url, err := open("--listen", f.address, listen.Private)
	if err != nil {
		return err
	}
	l, url = tls.Wrap(l, url)
	service.Register(certificateMetrics{tls})
	service.Register(writerMetrics{f.writer})
	admin, err := f.openAdmin(cmd)
	if err != nil {
		l.Close()
		return err
	}
	ctx := untilSignal(cmd.Context())
	onChange(ctx, f.watch, began, func() []string { return append(f.tls.Paths(), f.read.get()...) }, func() {
		if err := reload(service, tls, path, f, log); err != nil {
			log.Error("reload failed; the old policy stays", "error", err.Error())
			return
		}
		log.Info("policy reloaded", "file", path)
	}, log)
	if err := sayReady(cmd.OutOrStdout(), withVersion(url, cfg.Version)); err != nil {
		return err
	}
	return service.Serve(ctx, l, admin, grace)
}

// openAdmin returns nil without --admin.
func (f *serveFlags) openAdmin(cmd *cobra.Command) (net.Listener, error) {
	if f.admin == "" {
		return nil, nil
	}
	l, url, err := open("--admin", f.adminAddress, listen.Private)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "rulegate: admin on %s\n", url)
	return l, err
}

// reload replaces the policy and the certificates, or, after an error, neither.
func reload(service *companion.Service, current *listen.TLS, path string, f serveFlags, log *slog.Logger) (err error) {
	defer func() { service.Reloaded(err) }()
	cfg, p, err := loadCompanion(path, f, log)
	if err != nil {
		return err
	}
	cfg.Decisions = f.logOf(p)
	fresh, err := f.tls.Load()
	if err != nil {
		return err
	}
	if err := service.Replace(cfg); err != nil {
		return err
	}
	current.Replace(fresh)
	if f.writer != nil {
		if err := f.writer.Reopen(); err != nil {
			log.Warn("decision log", "error", err.Error())
		}
	}
	return nil
}

// logOf returns the decision log of a policy; nil: there is none.
func (f *serveFlags) logOf(p *policy.Policy) *companion.Decisions {
	if f.writer == nil {
		return nil
	}
	return companion.NewDecisions(p.Log, f.writer.Write)
}

func loadCompanion(path string, f serveFlags, log *slog.Logger) (companion.Config, *policy.Policy, error) {
	file, err := loadFile(path, policy.Options{}, warningLog{log})
	f.read.loaded(path, file)
	if err != nil {
		return companion.Config{}, nil, err
	}
	if len(file.policy.Companion.Secrets) == 0 {
		return companion.Config{}, nil, errors.New("module and companion share no secret: set companion.secret in the policy, or mark an HS key of auth.tokens with primary: true")
	}
	cfg := companionConfig(file.policy, log)
	cfg.Limits.InFlight, cfg.Limits.InFlightBytes, cfg.Limits.Cache = f.inFlight, int(f.bytes), int(f.cache)
	return cfg, file.policy, nil
}

// warningLog logs each warning that is written to it.
type warningLog struct{ log *slog.Logger }

func (w warningLog) Write(p []byte) (int, error) {
	w.log.Warn("policy", "warning", strings.TrimSpace(string(p)))
	return len(p), nil
}

// companionConfig allows the companion to reach only the webhook hosts and
// databases that the policy names, and only the collections that rules query.
func companionConfig(p *policy.Policy, log *slog.Logger) companion.Config {
	cfg := companion.Config{
		Project:     p.Project,
		Version:     p.Version,
		Keys:        wire.DeriveKeys(p.Companion.Secrets...),
		Tokens:      p.Tokens,
		Webhooks:    p.Webhooks,
		WebhookPool: companion.Pool(p.WebhookClient.Pool),
		WebhookTLS:  companion.WebhookTLS{CA: p.WebhookClient.CA, Cert: p.WebhookClient.Cert, Key: p.WebhookClient.Key},
		Issuers:     issuersOf(p),
		Limits:      companion.Limits{Calls: p.Limits.Calls},
		Log:         log,
	}
	addDatabases(&cfg, p)
	if c := p.Candidate; c != nil && c.May("queries") {
		addDatabases(&cfg, c.Policy)
		cfg.Issuers = append(cfg.Issuers, issuersOf(c.Policy)...)
	}
	if c := p.Candidate; c != nil && c.May("webhooks") {
		cfg.Webhooks = slices.Concat(cfg.Webhooks, c.Policy.Webhooks)
	}
	return cfg
}

// addDatabases adds the databases that rules query. Of one that is there already it adds
// the collections: the connection is that of the active policy.
func addDatabases(cfg *companion.Config, p *policy.Policy) {
	for _, d := range p.Databases {
		i := slices.IndexFunc(cfg.Databases, func(s companion.Source) bool { return s.Name == d.Name })
		switch {
		case len(d.Queried) == 0:
		case i >= 0:
			cfg.Databases[i].Collections = slices.Concat(cfg.Databases[i].Collections, d.Queried)
		default:
			cfg.Databases = append(cfg.Databases, companion.Source{Name: d.Name, Type: d.Type, Conn: d.Conn, Collections: d.Queried, Pool: companion.Pool(d.Pool)})
		}
	}
}

func issuersOf(p *policy.Policy) (out []companion.Issuer) {
	for _, i := range p.Issuers {
		out = append(out, companion.Issuer{URL: i.URL, ClientID: i.ClientID, Secret: i.Secret})
	}
	return out
}
