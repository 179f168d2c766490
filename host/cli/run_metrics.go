package cli

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/listen"
	"github.com/rulegate/rulegate/host/metrics"
)

// moduleMetrics exports the metrics of the module in the embedded gateway.
type moduleMetrics struct{ of func() []gateway.Metric }

// Describe describes none: which labels have values is known only when they are
// collected.
func (moduleMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect sends the present values.
func (o moduleMetrics) Collect(out chan<- prometheus.Metric) {
	for _, m := range o.of() {
		f, values, err := metrics.Split(m.Name)
		if err != nil {
			out <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
			continue
		}
		kind := prometheus.CounterValue
		if f.Kind == metrics.Gauge {
			kind = prometheus.GaugeValue
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(f.Name, f.Help, f.Labels, nil), kind, float64(m.Value), values...)
	}
}

// writerMetrics exports the counts of a decision log's writer; nil: there is none.
type writerMetrics struct{ *decisionlog.Writer }

func (writerMetrics) Describe(chan<- *prometheus.Desc) {}

func (w writerMetrics) Collect(out chan<- prometheus.Metric) {
	if w.Writer == nil {
		return
	}
	for name, n := range map[string]uint64{"rulegate_log_stored_total": w.Written(), "rulegate_log_lost_total": w.Dropped()} {
		f := metrics.Of(name)
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(f.Name, f.Help, f.Labels, nil), prometheus.CounterValue, float64(n))
	}
}

// certificateMetrics exports the age of the server's certificate; nil: there is none.
type certificateMetrics struct{ *listen.TLS }

func (certificateMetrics) Describe(chan<- *prometheus.Desc) {}

func (c certificateMetrics) Collect(out chan<- prometheus.Metric) {
	if at := c.NotAfter(); !at.IsZero() {
		f := metrics.Of("rulegate_certificate_expiry_timestamp_seconds")
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(f.Name, f.Help, f.Labels, nil), prometheus.GaugeValue, float64(at.Unix()))
	}
}
