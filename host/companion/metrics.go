package companion

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rulegate/rulegate/rules"
)

// Metrics are those of a companion and of the companions that it replaced. Label values
// come only from the policy, never from a request.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	shed     *prometheus.CounterVec
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	lookups  *prometheus.CounterVec
	reloads  *prometheus.CounterVec
	current  atomic.Pointer[Companion] // whose state the gauges show
}

// NewMetrics returns the metrics of a process, those of the Go runtime included.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "rulegate", Subsystem: "companion", Name: name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	m.requests = counter("requests_total", "Requests for calls, by the status that they were answered with.", "code")
	m.shed = counter("shed_total", "Requests turned away with 503 because too many, or too many bytes, were in flight.", "reason")
	m.calls = counter("calls_total", "Calls, by target, kind and outcome.", "target", "kind", "outcome")
	m.lookups = counter("cache_lookups_total", "Lookups in the cache, for calls that allow it.", "result")
	m.reloads = counter("reloads_total", "Reloads of the policy; a failed one leaves the old policy in place.", "outcome")
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "rulegate", Subsystem: "companion", Name: "call_duration_seconds",
		Help:    "Duration of a call, including the wait for a slot.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"target", "kind"})
	m.registry.MustRegister(m.duration, gauges{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Register adds metrics of the same process.
func (m *Metrics) Register(c prometheus.Collector) { m.registry.MustRegister(c) }

// Show makes the gauges show c; nil: none.
func (m *Metrics) Show(c *Companion) { m.current.Store(c) }

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 5 * time.Second})
}

// kindLabel is "" for a call whose kind is not known.
func kindLabel(k rules.CallKind) string {
	if k == 0 {
		return ""
	}
	return k.String()
}

// called counts a call.
func (m *Metrics) called(x *call, outcome string, d time.Duration) {
	m.calls.WithLabelValues(x.pool, kindLabel(x.kind), outcome).Inc()
	m.duration.WithLabelValues(x.pool, kindLabel(x.kind)).Observe(d.Seconds())
}

// lookedUp counts a lookup in the cache.
func (m *Metrics) lookedUp(found bool) {
	result := "miss"
	if found {
		result = "hit"
	}
	m.lookups.WithLabelValues(result).Inc()
}

// Reloaded counts a reload of the policy; err is why it failed.
func (s *Service) Reloaded(err error) {
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	s.metrics.reloads.WithLabelValues(outcome).Inc()
}

// counted counts the answers of h by their status.
func (m *Metrics) counted(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		h(s, r)
		m.requests.WithLabelValues(strconv.Itoa(s.status)).Inc()
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController and http.MaxBytesReader.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
