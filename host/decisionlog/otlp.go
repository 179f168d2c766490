//go:build !js

package decisionlog

import (
	"context"
	"encoding/hex"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"

	sdk "go.opentelemetry.io/otel/sdk/log"
)

// OTLP is an Exporter that sends decisions as OpenTelemetry logs: the line is the body,
// and its members that one filters by are attributes.
type OTLP struct {
	provider *sdk.LoggerProvider
	logger   log.Logger
}

// NewOTLP returns an exporter for a provider, which it closes.
func NewOTLP(p *sdk.LoggerProvider) *OTLP {
	return &OTLP{p, p.Logger("github.com/rulegate/rulegate")}
}

// Export sends an entry, some time later.
func (o *OTLP) Export(e *Entry, line string) {
	var r log.Record
	r.SetTimestamp(e.Time)
	r.SetEventName("rulegate.decision")
	r.SetBody(attribute.StringValue(line))
	r.SetSeverity(log.SeverityInfo)
	if e.Status >= 500 {
		r.SetSeverity(log.SeverityWarn)
	}
	r.SetSeverityText(r.Severity().String())
	for _, a := range []struct{ name, value string }{
		{"rulegate.policy", e.Policy}, {"rulegate.of", e.Of}, {"rulegate.route", e.Route}, {"rulegate.mode", e.Mode},
		{"rulegate.outcome", string(e.Outcome)}, {"rulegate.clause", e.Clause}, {"rulegate.name", e.Name},
		{"rulegate.reason", e.Reason}, {"rulegate.request_id", e.RequestID},
	} {
		if a.value != "" {
			r.AddAttributes(attribute.String(a.name, a.value))
		}
	}
	if e.Status != 0 {
		r.AddAttributes(attribute.Int("http.response.status_code", e.Status))
	}
	if q := e.Request; q != nil {
		r.AddAttributes(attribute.String("http.request.method", q.Method), attribute.String("url.path", q.Path))
	}
	o.logger.Emit(inTrace(e.TraceID), r)
}

// inTrace returns a context of the trace, by which the SDK relates the record to it.
func inTrace(id string) context.Context {
	ctx := context.Background()
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != len(trace.TraceID{}) {
		return ctx
	}
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID(raw)}))
}

// Close sends the records that wait.
func (o *OTLP) Close(ctx context.Context) error { return o.provider.Shutdown(ctx) }
