package companion

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics count what companions do, the ones that a reload has replaced included.
// Their labels are names of the policy alone, never what a request brought.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	shed     *prometheus.CounterVec
	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	lookups  *prometheus.CounterVec
	reloads  *prometheus.CounterVec
	current  atomic.Pointer[Companion] // whose state the gauges show; nil: nobody's
}

// NewMetrics are for one process: Go's own are among them.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "rulegate", Subsystem: "companion", Name: name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	m.requests = counter("requests_total", "Requests for calls, by the status that they were answered with.", "code")
	m.shed = counter("shed_total", "Requests turned away with 503 because too many, or too many bytes, were in flight.", "reason")
	m.calls = counter("calls_total", "Calls, by target, kind and what became of them.", "target", "kind", "outcome")
	m.lookups = counter("cache_lookups_total", "Looks into the cache, for calls that allow it.", "result")
	m.reloads = counter("reloads_total", "Reloads of the policy; a failed one leaves the old policy in place.", "outcome")
	m.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "rulegate", Subsystem: "companion", Name: "call_duration_seconds",
		Help:    "Time of a call, waiting for its turn included.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"target", "kind"})
	m.registry.MustRegister(m.took, state{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves them in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 5 * time.Second})
}

func (m *Metrics) answered(x *call, outcome string, took time.Duration) {
	kind := x.kind
	if kind != "query" && kind != "webhook" {
		kind = "" // whatever the request says
	}
	m.calls.WithLabelValues(x.lane, kind, outcome).Inc()
	m.took.WithLabelValues(x.lane, kind).Observe(took.Seconds())
}

func (m *Metrics) looked(found bool) {
	result := "miss"
	if found {
		result = "hit"
	}
	m.lookups.WithLabelValues(result).Inc()
}

// Reloaded counts a reload of the policy, failed ones too.
func (s *Service) Reloaded(err error) {
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	s.metrics.reloads.WithLabelValues(outcome).Inc()
}

// counted counts what h answers by its status.
func (m *Metrics) counted(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		h(s, r)
		m.requests.WithLabelValues(strconv.Itoa(s.status)).Inc()
	}
}

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
