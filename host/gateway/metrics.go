package gateway

import (
	"cmp"
	"slices"
	"sync"
)

// MetricKind is a counter, a gauge or a histogram.
type MetricKind uint32

const (
	Counter MetricKind = iota
	Gauge
	Histogram
)

// Metric is the present value of a module's metric, over all VMs.
type Metric struct {
	Name  string
	Kind  MetricKind
	Value int64  // of a counter or gauge
	Count uint64 // of a histogram: the number of recorded values
	Sum   uint64 // of a histogram: their sum
}

// metrics are shared by the VMs: equal names are one metric.
type metrics struct {
	mu   sync.Mutex
	list []*Metric // the id is the index, plus one
}

// Metrics returns the module's metrics, sorted by name.
func (g *Gateway) Metrics() []Metric {
	g.metrics.mu.Lock()
	defer g.metrics.mu.Unlock()
	out := make([]Metric, 0, len(g.metrics.list))
	for _, m := range g.metrics.list {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// define returns the id of a metric, which it makes if the name is new. It
// reports false if the name is a metric of another kind.
func (m *metrics) define(kind MetricKind, name string) (id uint32, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, have := range m.list {
		if have.Name == name {
			return uint32(i + 1), have.Kind == kind
		}
	}
	m.list = append(m.list, &Metric{Name: name, Kind: kind})
	return uint32(len(m.list)), true
}

// with calls f with a metric while the lock is held.
func (m *metrics) with(id uint64, f func(*Metric) status) status {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := uint32(id)
	if i == 0 || int(i) > len(m.list) {
		return statusNotFound
	}
	return f(m.list[i-1])
}

func hostDefineMetric(v *vm, a []uint64) status {
	name, ok := v.text(a[1], a[2])
	if !ok {
		return statusInvalidMemoryAccess
	}
	kind := MetricKind(a[0])
	if kind > Histogram {
		return statusBadArgument
	}
	id, ok := v.gw.metrics.define(kind, name)
	if !ok {
		return statusBadArgument
	}
	return v.writeUint32(a[3], id)
}

func hostIncrementMetric(v *vm, a []uint64) status {
	by := int64(a[1])
	return v.gw.metrics.with(a[0], func(m *Metric) status {
		if m.Kind == Histogram || m.Kind == Counter && by < 0 {
			return statusBadArgument
		}
		m.Value += by
		return statusOK
	})
}

func hostRecordMetric(v *vm, a []uint64) status {
	return v.gw.metrics.with(a[0], func(m *Metric) status {
		switch m.Kind {
		case Counter:
			m.Value += int64(a[1])
		case Gauge:
			m.Value = int64(a[1])
		case Histogram:
			m.Count++
			m.Sum += a[1]
		}
		return statusOK
	})
}

func hostMetric(v *vm, a []uint64) status {
	return v.gw.metrics.with(a[0], func(m *Metric) status {
		if m.Kind == Histogram {
			return statusBadArgument
		}
		return v.writeUint64(a[1], uint64(m.Value))
	})
}
