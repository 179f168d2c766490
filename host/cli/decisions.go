package cli

import (
	"context"
	"log/slog"
	"strings"

	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

const decisionLogHelp = `file that decisions are appended to as JSON, one a line; "-" is standard output`

// openDecisions starts the writer of decisions; nil: nobody wants them. path is
// --decision-log. wanted reports whether the policy has a log: OpenTelemetry's endpoint
// alone may be for traces.
func openDecisions(cmd *cobra.Command, path, service string, wanted bool, log *slog.Logger) (*decisionlog.Writer, error) {
	if path == "" && !wanted {
		return nil, nil
	}
	exporter, err := decisionExporter(cmd.Context(), service, log)
	if err != nil || path == "" && exporter == nil {
		return nil, err
	}
	failed := func(err error) { log.Warn("decision log", "error", err.Error()) }
	return decisionlog.Open(path, decisionlog.Options{Stdout: cmd.OutOrStdout(), Exporter: exporter, Failed: failed})
}

// closeDecisions writes the lines that wait; w may be nil.
func closeDecisions(ctx context.Context, w *decisionlog.Writer, log *slog.Logger) {
	if w == nil {
		return
	}
	last, cancel := withGrace(ctx)
	defer cancel()
	if err := w.Close(last); err != nil {
		log.Warn("decision log", "error", err.Error())
	}
}

// decisionLines returns the hook that takes decisions out of the module's log; nil
// without a writer.
func decisionLines(w *decisionlog.Writer) func(slog.Level, string) bool {
	if w == nil {
		return nil
	}
	return func(_ slog.Level, text string) bool {
		line, ok := strings.CutPrefix(text, decisionlog.Prefix)
		if ok {
			w.Write(line)
		}
		return ok
	}
}

// withDecisions makes the module write its decisions to its log, which decisionLines
// reads. The policy keeps its version.
func withDecisions(doc value.Value, l *policy.Log) value.Value {
	section, to := doc.Key("log"), []value.Value{value.Str("log")}
	if l == nil {
		section = value.Obj()
	} else {
		for _, sink := range l.To {
			if sink != "log" {
				to = append(to, value.Str(sink))
			}
		}
	}
	return doc.With("version", value.Str(policy.VersionOf(doc))).With("log", section.With("to", value.Arr(to...)))
}
