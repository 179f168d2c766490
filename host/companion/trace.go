package companion

import (
	"context"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceContext is W3C Trace Context, which the module hands on from the request
// that it decides.
var traceContext propagation.TraceContext

// traced begins the span of a request for calls, as a child of Envoy's.
func (c *Companion) traced(r *http.Request, log *slog.Logger) (context.Context, trace.Span, *slog.Logger) {
	ctx := traceContext.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := c.tracer.Start(ctx, "rulegate calls", trace.WithSpanKind(trace.SpanKindServer))
	if of := span.SpanContext(); of.HasTraceID() {
		log = log.With("trace_id", of.TraceID().String())
	}
	return ctx, span, log
}

// span begins that of a call. What a driver or a host said never gets into it: the
// log has that.
func (c *Companion) span(ctx context.Context, x *call) (context.Context, trace.Span) {
	ctx, span := c.tracer.Start(ctx, "rulegate call", trace.WithSpanKind(trace.SpanKindClient))
	if span.IsRecording() {
		span.SetName(x.kind + " " + x.target())
		switch x.kind {
		case "query":
			span.SetAttributes(attribute.String("db.namespace", x.db), attribute.String("db.collection.name", x.col))
		case "webhook":
			span.SetAttributes(attribute.String("http.request.method", "POST"), attribute.String("server.address", x.target()))
		}
	}
	return ctx, span
}

// end ends a call's span; failed is what the module is told, without the id.
func end(span trace.Span, a answer, failed phrase) {
	if a.status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", a.status))
	}
	if failed != "" {
		span.SetAttributes(attribute.String("error.type", string(failed)))
		span.SetStatus(codes.Error, string(failed))
	}
	span.End()
}
