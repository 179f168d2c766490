package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/listen"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/spf13/cobra"
)

type runFlags struct {
	listen, upstream, module string
	decisions, admin         string
	idle                     time.Duration
	trustForwarded, watch    bool
	tls                      listen.TLSFiles

	address, adminAddress listen.Address // of listen and admin
}

func newRunCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run policy.yaml --upstream URL",
		Short: "Run the gateway without Envoy, with the companion in the same process",
		Long: `Run loads the module that Envoy would load and serves HTTP with it. It logs one line a request
to standard error.

SIGHUP reloads the policy and the certificates without losing a request: those that have begun end
by the old policy. A faulty policy changes nothing. --watch does the same when a file changes.

--decision-log writes the decisions that the log of the policy names, or all if it has none. With
a log in the policy they also go by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT, where traces
go too.`,
		Example: `  rulegate run policy.yaml --listen 127.0.0.1:10000 --upstream http://127.0.0.1:8080`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return runGateway(cmd, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:10000", "address to listen on, host:port or unix:/path")
	flags.StringVar(&f.upstream, "upstream", "", "URL of the server behind the gateway (required)")
	flags.StringVar(&f.module, "module", "", "path of the module (default: rulegate.wasm in the folder of this command, else bin/rulegate.wasm)")
	flags.StringVar(&f.tls.Cert, "tls-cert", "", "PEM file with the gateway's certificate; without it, the gateway speaks plain HTTP")
	flags.StringVar(&f.tls.Key, "tls-key", "", "PEM file with the key of --tls-cert")
	flags.StringVar(&f.tls.ClientCA, "client-ca", "", "PEM file with the CA certificates of clients: each client must have a certificate of theirs, which rules read as args.peer")
	flags.BoolVar(&f.tls.ClientOptional, "client-optional", false, "accept clients without a certificate too; args.peer is missing for them")
	flags.DurationVar(&f.idle, "idle-timeout", 30*time.Second, "end a request that rulegate holds after this long without data; limits.idle of the policy is for requests that were let through")
	flags.StringVar(&f.admin, "admin", "", "address for /healthz, /readyz and /metrics (Prometheus), host:port or unix:/path")
	flags.StringVar(&f.decisions, "decision-log", "", decisionLogHelp)
	flags.BoolVar(&f.trustForwarded, "trust-forwarded", false, "keep the headers forwarded, x-forwarded-host, -port, -prefix, x-real-ip, x-original-url and x-rewrite-url of clients: a proxy in front of this one sets them")
	flags.BoolVar(&f.watch, "watch", false, "reload when a file changes: the policy, the files that it names, and the certificates")
	return cmd
}

func (f *runFlags) check() (err error) {
	if f.upstream == "" {
		return usagef("want --upstream, as in --upstream http://127.0.0.1:8080")
	}
	if err := envoyconf.CheckURL(f.upstream); err != nil {
		return usagef("--upstream: %w", err)
	}
	if strings.HasPrefix(f.upstream, "unix:") {
		return usagef("--upstream: want an http or https URL, found %q", f.upstream)
	}
	if f.idle <= 0 {
		return usagef("--idle-timeout: want a duration over 0, found %v", f.idle)
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

func runGateway(cmd *cobra.Command, path string, f runFlags) error {
	ctx, log, began := cmd.Context(), textLog(cmd.ErrOrStderr()), time.Now()
	file, err := loadFile(path, policy.Options{}, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	tls, err := f.tls.Load()
	if err != nil {
		return err
	}
	l, at, err := open("--listen", f.address, listen.Shared)
	if err != nil {
		return err
	}
	l, at = tls.Wrap(l, at)
	defer l.Close()
	module, err := loadModule(ctx, f.module)
	if err != nil {
		return err
	}
	defer module.Close(context.WithoutCancel(ctx))
	w, err := newWatched(cmd, f, file.policy, tls, log)
	if err != nil {
		return err
	}
	defer w.close(ctx, log) // deferred, so that the gateway has ended and has no more to tell
	first, err := startGateway(ctx, file, f, module, w, log)
	if err != nil {
		return err
	}
	r := &running{path: path, flags: f, module: module, watched: w, log: log, tls: tls, current: first, gateways: gateway.NewSwitch(first.gateway)}
	r.read.loaded(path, file)
	ctx = untilSignal(ctx)
	onChange(ctx, f.watch, began, r.files, func() { r.reload(ctx) }, log)
	if err := r.openAdmin(cmd); err != nil {
		return err
	}
	if err := sayReady(cmd.OutOrStdout(), withPolicy(at, file.policy)); err != nil {
		return err
	}
	srv := r.gateways.Server()
	srv.Handler = traced(w.tracer, srv.Handler)
	return serveHTTP(ctx, srv, l, log, r.close)
}

// embeddedCompanion tells w, unless that is nil, of its calls. It returns nil for a policy whose rules make no calls.
func embeddedCompanion(p *policy.Policy, w *watched, log *slog.Logger) (*companion.Companion, error) {
	if !p.Calls {
		return nil, nil
	}
	cfg := companionConfig(p, log)
	if w != nil {
		cfg.Metrics, cfg.Tracer = w.metrics, w.tracer
	}
	return companion.New(cfg)
}

// gateway starts the module with the policy, all variables expanded.
func (f *loadedFile) gateway(ctx context.Context, flags runFlags, module *gateway.Module, c *companion.Companion, decisions *decisionlog.Writer, log *slog.Logger) (*gateway.Gateway, error) {
	doc := f.moduleDoc()
	if decisions != nil {
		doc = withDecisions(doc, f.policy.Log)
	}
	text, _, err := envoyconf.ForModule(doc, envoyconf.Expansion{Inline: true, Getenv: os.LookupEnv, ReadFile: f.ReadFile})
	if err != nil {
		return nil, err
	}
	upstream, err := url.Parse(flags.upstream)
	if err != nil {
		return nil, err
	}
	remove := envoyconf.Forwarded()
	if flags.trustForwarded {
		remove = nil
	}
	clusters := map[string]gateway.Cluster{}
	if c != nil {
		clusters[f.policy.Companion.Cluster] = gateway.Cluster{Handler: c}
	}
	for _, k := range keyServers(f.policy) {
		clusters[k.cluster] = gateway.Cluster{URL: k.url}
	}
	return gateway.New(ctx, gateway.Config{
		Module:                      module,
		PluginConfig:                []byte(text),
		Upstream:                    gateway.Cluster{URL: upstream},
		Clusters:                    clusters,
		AllowOnHeadersStopIteration: true,
		BufferLimit:                 int64(envoyconf.BufferLimit(f.policy.Limits.RequestBody, f.policy.Limits.ResponseBody)),
		MemoryLimit:                 int64(vmMemory(f.policy.Limits)),
		RemoveHeaders:               remove,
		Route:                       gateway.RoutesOf(f.policy),
		Path:                        gateway.PathOptions{AllowEscapedSlashes: f.policy.KeepsSlashes()},
		FailurePolicy:               gateway.FailReload,
		StreamIdleTimeout:           flags.idle,
		PluginName:                  "rulegate",
		RootID:                      "rulegate",
		VMID:                        "rulegate",
		Log:                         log,
		Line:                        decisionLines(decisions),
		Access:                      func(r gateway.Record) { access(log, r) },
	})
}

// vmMemory returns the bytes that a VM needs for the bodies that the limits allow:
// as many again are garbage before they are collected, and the module with its
// largest evaluation needs some beside them.
func vmMemory(l policy.Limits) int { return min(2*l.Memory+256<<20, 1<<30) }

// access logs a request without its query, which may hold a token.
func access(log *slog.Logger, r gateway.Record) {
	path, _, _ := strings.Cut(r.Path, "?")
	log.Info("request", "id", r.ID, "method", r.Method, "host", r.Host, "path", path, "status", r.Status,
		"decision", r.State["rulegate.decision"], "flags", r.Flags, "ms", r.Duration.Milliseconds())
}

// loadModule compiles the module at path; "" is where the build puts it.
func loadModule(ctx context.Context, path string) (*gateway.Module, error) {
	if path == "" {
		var err error
		if path, err = findModule(); err != nil {
			return nil, err
		}
	}
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--module: %w", err)
	}
	m, err := compile(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("--module %s: %w", path, err)
	}
	return m, nil
}

// compile takes seconds. It keeps the machine code in a cache folder that only
// this user can write to, if the user has one.
func compile(ctx context.Context, code []byte) (*gateway.Module, error) {
	if dir, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(dir, "rulegate", "modules")
		if os.MkdirAll(dir, 0o700) == nil && os.Chmod(dir, 0o700) == nil {
			return gateway.LoadCached(ctx, code, dir)
		}
	}
	return gateway.Load(ctx, code)
}

func findModule() (string, error) {
	var places []string
	if exe, err := os.Executable(); err == nil {
		places = append(places, filepath.Join(filepath.Dir(exe), "rulegate.wasm"))
	}
	places = append(places, filepath.Join("bin", "rulegate.wasm"))
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("no module at %s: build it with `make build`, or name its path with --module", strings.Join(places, " or "))
}
