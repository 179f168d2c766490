package cli

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/listen"
	"github.com/rulegate/rulegate/rules/policy"
)

// served is the gateway of one version of a policy, with its companion.
type served struct {
	gateway   *gateway.Gateway
	companion *companion.Companion // nil: the policy needs none
	version   string               // of the policy
}

func startGateway(ctx context.Context, file *loadedFile, f runFlags, module *gateway.Module, w *watched, log *slog.Logger) (*served, error) {
	c, err := embeddedCompanion(file.policy, w, log)
	if err != nil {
		return nil, err
	}
	s := &served{companion: c, version: file.policy.Version}
	if s.gateway, err = file.gateway(ctx, f, module, c, w.decisions, log); err != nil {
		return nil, errors.Join(err, s.closeCompanion(ctx))
	}
	w.metrics.Show(c)
	return s, nil
}

// close waits for the requests, and then ends the companion: it gets no more calls.
func (s *served) close(ctx context.Context) error {
	return errors.Join(s.gateway.Close(ctx), s.closeCompanion(ctx))
}

func (s *served) closeCompanion(ctx context.Context) error {
	if s.companion == nil {
		return nil
	}
	return s.companion.Close(ctx)
}

// running is the process of `rulegate run`, whose policy can be replaced.
type running struct {
	path     string
	flags    runFlags
	module   *gateway.Module
	log      *slog.Logger
	watched  *watched
	tls      *listen.TLS
	gateways *gateway.Switch
	read     readPaths

	mu      sync.Mutex
	current *served
	old     sync.WaitGroup // replaced gateways that are not closed yet
}

// files are those that the running policy was made of.
func (r *running) files() []string { return append(r.flags.tls.Paths(), r.read.get()...) }

// reload replaces the policy and the certificates, or, after an error, neither.
func (r *running) reload(ctx context.Context) {
	next, err := r.next(ctx)
	if err != nil {
		r.log.Error("reload failed; the old policy stays", "error", err.Error())
		return
	}
	if r.watched.decisions != nil {
		if err := r.watched.decisions.Reopen(); err != nil {
			r.log.Warn("decision log", "error", err.Error())
		}
	}
	r.mu.Lock()
	before := r.current
	r.current = next
	r.mu.Unlock()
	r.gateways.Replace(next.gateway)
	r.log.Info("policy reloaded", "file", r.path)
	r.old.Go(func() {
		// An open stream of the old policy keeps its gateway, until the process ends.
		if err := before.close(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("closing the replaced gateway", "error", err.Error())
		}
	})
}

func (r *running) next(ctx context.Context) (*served, error) {
	file, err := loadFile(r.path, policy.Options{}, warningLog{r.log})
	r.read.loaded(r.path, file)
	if err != nil {
		return nil, err
	}
	fresh, err := r.flags.tls.Load()
	if err != nil {
		return nil, err
	}
	next, err := startGateway(ctx, file, r.flags, r.module, r.watched, r.log)
	if err != nil {
		return nil, err
	}
	r.tls.Replace(fresh)
	return next, nil
}

// close ends the current gateway and waits for the replaced ones, whose end began with
// the process's.
func (r *running) close(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.current.close(ctx)
	r.old.Wait()
	return err
}
