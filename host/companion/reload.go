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

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// Service is a companion whose configuration can be replaced while it serves. It
// answers the same requests as a Companion.
type Service struct {
	current   atomic.Pointer[Companion]
	metrics   *Metrics
	admission *admission
	tracer    trace.Tracer
	log       *slog.Logger
	old       sync.WaitGroup // replaced companions that are not closed yet
}

// NewService prepares a companion; see New for the errors.
func NewService(cfg Config) (*Service, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	s := &Service{metrics: c.metrics, admission: c.admission, tracer: c.tracer, log: c.log}
	s.setCurrent(c)
	return s, nil
}

// setCurrent makes c serve, and the gauges show it.
func (s *Service) setCurrent(c *Companion) (before *Companion) {
	s.metrics.current.Store(c)
	return s.current.Swap(c)
}

// Replace makes new requests use another configuration; the service keeps its Log,
// Metrics and Tracer. Running requests end by the old configuration, whose targets are
// closed afterwards. When New refuses the configuration, the old one stays.
func (s *Service) Replace(cfg Config) error {
	cfg.Log, cfg.Metrics, cfg.Tracer, cfg.admission = s.log, s.metrics, s.tracer, s.admission
	c, err := New(cfg)
	if err != nil {
		return err
	}
	before := s.setCurrent(c)
	s.old.Go(func() {
		// No call of the old companion lasts longer than this.
		ctx, cancel := context.WithTimeout(context.Background(), before.limits.Timeout+time.Minute)
		defer cancel()
		if err := before.Close(ctx); err != nil {
			s.log.Warn("closing the replaced companion", "error", err.Error())
		}
	})
	return nil
}

// ServeHTTP serves with the current companion. It retries when that companion is
// replaced before the request begins.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		c := s.current.Load()
		if c.begin() {
			defer c.running.Done()
			c.mux.ServeHTTP(w, r)
			return
		}
		if s.current.Load() == c { // closing, not replaced
			refuse(w, http.StatusServiceUnavailable, "shutting down")
			return
		}
	}
}

// Register adds metrics of the same process to those of the service.
func (s *Service) Register(c prometheus.Collector) { s.metrics.Register(c) }

// Admin answers /healthz, /readyz and /metrics.
func (s *Service) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	mux.Handle("GET /healthz", s)
	mux.Handle("GET /readyz", s)
	return mux
}

// Close refuses new requests, waits for the running ones until ctx ends, and closes
// the targets.
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
		err = errors.Join(err, fmt.Errorf("calls of a replaced companion are still running: %w", ctx.Err()))
	}
	return err
}

// Serve answers on l, and on admin unless it is nil, until ctx ends. Then it gives the
// running requests the time grace and closes the service.
func (s *Service) Serve(ctx context.Context, l, admin net.Listener, grace time.Duration) error {
	ended := make(chan error, 2)
	serve := func(l net.Listener, h http.Handler) *http.Server {
		srv := newServer(h, s.log)
		go func() { ended <- srv.Serve(l) }()
		return srv
	}
	servers := []*http.Server{serve(l, s)}
	if admin != nil {
		servers = append(servers, serve(admin, s.Admin()))
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
		// Longer than Envoy keeps an idle connection (1 h). The client must be the
		// first to close, or it may send a call on a connection that is closing.
		IdleTimeout:    2 * time.Hour,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
