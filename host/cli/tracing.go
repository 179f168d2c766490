package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/rulegate/rulegate/host/decisionlog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// tracing returns a tracer that sends spans by OTLP over HTTP to the endpoint in
// OpenTelemetry's environment variables, and drops them without an endpoint. stop
// sends the spans that are still buffered.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func tracing(ctx context.Context, service string, log *slog.Logger) (t trace.Tracer, stop func(context.Context) error, err error) {
	on, err := exports("TRACES")
	if err != nil {
		return nil, nil, err
	}
	if !on {
		return noop.NewTracerProvider().Tracer(""), func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	about, err := about(ctx, service, log)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return provider.Tracer("github.com/rulegate/rulegate"), provider.Shutdown, nil
}

// decisionExporter returns an exporter that sends decisions by OTLP over HTTP, nil
// without an endpoint.
func decisionExporter(ctx context.Context, service string, log *slog.Logger) (decisionlog.Exporter, error) {
	on, err := exports("LOGS")
	if err != nil || !on {
		return nil, err
	}
	exporter, err := otlploghttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	about, err := about(ctx, service, log)
	if err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	return decisionlog.NewOTLP(sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)), sdklog.WithResource(about))), nil
}

// exports reports whether there is an endpoint for a signal: TRACES or LOGS.
func exports(signal string) (bool, error) {
	off := strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_"+signal+"_EXPORTER") == "none"
	if off || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == "" {
		return false, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := os.Getenv(name); p != "" && p != "http/protobuf" {
			return false, fmt.Errorf("%s: want http/protobuf, found %q", name, p)
		}
	}
	return true, nil
}

// about describes this process. The environment comes last, so that OTEL_SERVICE_NAME
// wins.
func about(ctx context.Context, service string, log *slog.Logger) (*resource.Resource, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("telemetry", "error", err.Error()) }))
	return resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
}
