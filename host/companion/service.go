package companion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Service is a companion that can be replaced while it serves. It is an
// http.Handler for what a Companion answers.
type Service struct {
	current atomic.Pointer[Companion]
	metrics *Metrics
	intake  *intake
	tracer  trace.Tracer
	log     *slog.Logger
	old     sync.WaitGroup // replaced ones that are not closed yet
}

// NewService prepares a companion; see New for the errors.
func NewService(cfg Config) (*Service, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	s := &Service{metrics: c.metrics, intake: c.intake, tracer: c.tracer, log: c.log}
	s.show(c)
	return s, nil
}

// show makes c the one that serves, and whose state the metrics show.
func (s *Service) show(c *Companion) (before *Companion) {
	s.metrics.current.Store(c)
	return s.current.Swap(c)
}

// Replace serves by another configuration from now on; its Log, Metrics and
// Tracer are those that the service has. What runs by the old one ends by it, and its targets
// are closed then. With a configuration that New refuses, the old one stays.
func (s *Service) Replace(cfg Config) error {
	cfg.Log, cfg.Metrics, cfg.Tracer, cfg.intake = s.log, s.metrics, s.tracer, s.intake
	c, err := New(cfg)
	if err != nil {
		return err
	}
	before := s.show(c)
	s.old.Go(func() {
		// Each call ends at its own deadline, and none is later than this.
		ctx, cancel := context.WithTimeout(context.Background(), before.limits.Timeout+time.Minute)
		defer cancel()
		if err := before.Close(ctx); err != nil {
			s.log.Warn("closing what was replaced", "error", err.Error())
		}
	})
	return nil
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		c := s.current.Load()
		if c.begin() {
			defer c.running.Done()
			c.mux.ServeHTTP(w, r)
			return
		}
		if s.current.Load() == c { // closing, and not replaced meanwhile
			refuse(w, http.StatusServiceUnavailable, "shutting down")
			return
		}
	}
}

// Admin answers /healthz, /readyz and /metrics.
func (s *Service) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	mux.Handle("GET /healthz", s)
	mux.Handle("GET /readyz", s)
	return mux
}

// Close waits for what runs, until ctx ends, and closes the targets.
func (s *Service) Close(ctx context.Context) error {
	err := s.current.Load().Close(ctx)
	done := make(chan struct{})
	go func() {
		s.old.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("what was replaced still runs: %w", ctx.Err()))
	}
	return err
}

// Serve answers on l, and on admin if that is not nil, until ctx ends, then lets
// what runs finish for at most grace and closes the service.
func (s *Service) Serve(ctx context.Context, l, admin net.Listener, grace time.Duration) error {
	ended := make(chan error, 2)
	start := func(l net.Listener, h http.Handler) *http.Server {
		srv := newServer(h, s.log)
		go func() { ended <- srv.Serve(l) }()
		return srv
	}
	servers := []*http.Server{start(l, s)}
	if admin != nil {
		servers = append(servers, start(admin, s.Admin()))
	}
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, srv := range servers {
		if shut := srv.Shutdown(last); shut != nil {
			err = errors.Join(err, shut, srv.Close())
		}
	}
	return errors.Join(err, s.Close(last))
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		// Longer than Envoy keeps an idle connection (1 h): who closes first must
		// be the one that sends, or a call meets a connection that is going away.
		IdleTimeout:    2 * time.Hour,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
