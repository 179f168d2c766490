package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/listen"
	"github.com/rulegate/rulegate/rules/policy"
)

// watched is what tells of a running gateway: its decisions, metrics and traces. They
// outlive a reload of the policy.
type watched struct {
	decisions   *decisionlog.Writer // nil without a decision log
	metrics     *companion.Metrics
	tracer      trace.Tracer
	stopTracing func(context.Context) error
}

func newWatched(cmd *cobra.Command, f runFlags, p *policy.Policy, tls *listen.TLS, log *slog.Logger) (*watched, error) {
	w := &watched{metrics: companion.NewMetrics()}
	var err error
	if w.tracer, w.stopTracing, err = tracing(cmd.Context(), "rulegate", log); err != nil {
		return nil, err
	}
	if w.decisions, err = openDecisions(cmd, f.decisions, "rulegate", p.Log != nil, log); err != nil {
		return nil, err
	}
	w.metrics.Register(writerMetrics{w.decisions})
	w.metrics.Register(certificateMetrics{tls})
	return w, nil
}

// close writes and sends the decisions, metrics and spans that wait.
func (w *watched) close(ctx context.Context, log *slog.Logger) {
	closeDecisions(ctx, w.decisions, log)
	last, cancel := withGrace(ctx)
	defer cancel()
	if err := w.stopTracing(last); err != nil {
		log.Warn("traces", "error", err.Error())
	}
}

// openAdmin answers /metrics, /healthz and /readyz on --admin until the process ends.
func (r *running) openAdmin(cmd *cobra.Command) error {
	r.watched.metrics.Register(moduleMetrics{func() []gateway.Metric { return r.gateways.Current().Metrics() }})
	if r.flags.admin == "" {
		return nil
	}
	l, url, err := open("--admin", r.flags.adminAddress, listen.Private)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", r.watched.metrics.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, map[string]any{"healthy": true}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		version := r.current.version
		r.mu.Unlock()
		answerJSON(w, map[string]any{"ready": true, "policy": version})
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelWarn)}
	go func() { _ = srv.Serve(l) }()
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "rulegate: admin on %s\n", url)
	return err
}

func answerJSON(w http.ResponseWriter, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// traced starts a span for each request, as a child of the client's, and passes its
// context on: the companion's spans and the upstream's are its children.
func traced(tracer trace.Tracer, h http.Handler) http.Handler {
	var format propagation.TraceContext
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := format.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, "rulegate request", trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("url.path", r.URL.Path)))
		defer span.End()
		if span.SpanContext().IsValid() {
			format.Inject(ctx, propagation.HeaderCarrier(r.Header))
		}
		s := &spanWriter{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(s, r.WithContext(ctx))
		span.SetAttributes(attribute.Int("http.response.status_code", s.status))
		if s.status >= 500 {
			span.SetStatus(codes.Error, http.StatusText(s.status))
		}
	})
}

// spanWriter remembers the status of an answer.
type spanWriter struct {
	http.ResponseWriter
	status int
}

func (w *spanWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *spanWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
