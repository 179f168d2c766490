package companion

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/rules"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceContext reads W3C Trace Context, which the module copies from the request that
// it decides.
var traceContext propagation.TraceContext

// traced starts the span of a request, as a child of Envoy's, and adds its trace to
// the log.
func (c *Companion) traced(ctx context.Context, h http.Header, log *slog.Logger) (context.Context, trace.Span, *slog.Logger) {
	ctx = traceContext.Extract(ctx, propagation.HeaderCarrier(h))
	ctx, span := c.tracer.Start(ctx, "rulegate calls", trace.WithSpanKind(trace.SpanKindServer))
	if of := span.SpanContext(); of.HasTraceID() {
		log = log.With("trace_id", of.TraceID().String())
	}
	return ctx, span, log
}

// startSpan starts the span of a call. Texts of a driver or a host are only in the log,
// never in a span.
func (c *Companion) startSpan(ctx context.Context, x *call) (context.Context, trace.Span) {
	ctx, span := c.tracer.Start(ctx, "rulegate call", trace.WithSpanKind(trace.SpanKindClient))
	if span.IsRecording() {
		span.SetName(kindLabel(x.kind) + " " + x.target())
		switch x.kind {
		case rules.Query:
			span.SetAttributes(attribute.String("db.namespace", x.db), attribute.String("db.collection.name", x.col))
		case rules.Webhook, rules.Introspect:
			span.SetAttributes(attribute.String("http.request.method", "POST"), attribute.String("server.address", x.target()))
		}
	}
	return ctx, span
}

// endSpan ends the span of a call. failed is the phrase that the module is told, or "".
func endSpan(span trace.Span, a target.Answer, failed failure.Phrase) {
	if a.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", a.Status))
	}
	if failed != "" {
		span.SetAttributes(attribute.String("error.type", string(failed)))
		span.SetStatus(codes.Error, string(failed))
	}
	span.End()
}
