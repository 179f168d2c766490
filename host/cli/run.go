package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/spf13/cobra"
)

func newRunCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run policy.yaml --upstream URL",
		Short: "Run the gateway without Envoy, with the companion in the same process",
		Long: `Run loads the module that Envoy would load and serves HTTP with it. The log goes to standard
error, one line a request.`,
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
	flags.StringVar(&f.module, "module", "", "path of the module (default: rulegate.wasm beside this command, else bin/rulegate.wasm)")
	flags.DurationVar(&f.idle, "idle-timeout", 30*time.Second, "longest silence on a request, the upstream's included")
	return cmd
}

type runFlags struct {
	listen, upstream, module string
	idle                     time.Duration
}

func (f *runFlags) check() error {
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
	return nil
}

func runGateway(cmd *cobra.Command, path string, f runFlags) error {
	ctx, log := cmd.Context(), logger(cmd.ErrOrStderr())
	file, err := loadFile(path, policy.Options{}, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	l, at, err := listen(f.listen, shared)
	if err != nil {
		return err
	}
	defer l.Close()
	module, err := loadModule(ctx, f.module)
	if err != nil {
		return err
	}
	defer module.Close(context.WithoutCancel(ctx))
	c, err := embeddedCompanion(file.policy, log)
	if err != nil {
		return err
	}
	if c != nil {
		defer c.Close(context.WithoutCancel(ctx)) // after the gateway, so nothing runs any more
	}
	g, err := file.gateway(ctx, f, module, c, log)
	if err != nil {
		return err
	}
	ctx = untilSignal(ctx)
	if err := sayReady(cmd.OutOrStdout(), at); err != nil {
		return err
	}
	srv := g.Server()
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	last, cancel := graceful(ctx)
	defer cancel()
	if shut := srv.Shutdown(last); shut != nil {
		log.Warn("requests broken off", "error", shut.Error())
		srv.Close()
	}
	return errors.Join(err, g.Close(last))
}

// embeddedCompanion is nil for a policy whose rules make no calls.
func embeddedCompanion(p *policy.Policy, log *slog.Logger) (*companion.Companion, error) {
	if !p.Calls {
		return nil, nil
	}
	return companion.New(companionConfig(p, log))
}

// gateway starts the module with the policy, all variables put in.
func (f *loadedFile) gateway(ctx context.Context, flags runFlags, module *gateway.Module, c *companion.Companion, log *slog.Logger) (*gateway.Gateway, error) {
	text, _, err := envoyconf.ForModule(named(f.Doc, f.policy.Gateway), envoyconf.Expansion{Inline: true, Getenv: os.LookupEnv, ReadFile: f.ReadFile})
	if err != nil {
		return nil, err
	}
	upstream, err := url.Parse(flags.upstream)
	if err != nil {
		return nil, err
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
		FailurePolicy:               gateway.FailReload,
		StreamIdleTimeout:           flags.idle,
		PluginName:                  "rulegate",
		RootID:                      "rulegate",
		VMID:                        "rulegate",
		Log:                         log,
		Access:                      func(r gateway.Record) { access(log, r) },
	})
}

// access logs a request, without its query, which may hold a token.
func access(log *slog.Logger, r gateway.Record) {
	path, _, _ := strings.Cut(r.Path, "?")
	log.Info("request", "id", r.ID, "method", r.Method, "host", r.Host, "path", path, "status", r.Status,
		"decision", r.State["rulegate.decision"], "flags", r.Flags, "ms", r.Duration.Milliseconds())
}

// loadModule compiles the module at path, or where the build leaves it.
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

// compile takes seconds the first time; what comes of it is kept in a folder
// that only the user can write to, where there is one.
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
	return "", fmt.Errorf("no module at %s: build it with `make build`, or say where it is with --module", strings.Join(places, " or "))
}
