package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/envoycheck"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/spf13/cobra"
)

// envoyCheckFormats are those of --format.
var envoyCheckFormats = append([]string{"text", "json"}, report.Formats...)

type envoyCheckFlags struct {
	policy, format string
	strict         bool
}

func newEnvoyCheckCommand() *cobra.Command {
	var f envoyCheckFlags
	cmd := &cobra.Command{
		Use:   "check front.yaml",
		Short: "Say what is wrong in an Envoy configuration around rulegate's filter",
		Long: `Check reads a configuration of Envoy and lists what is wrong around rulegate's filter: each finding
with its line, the reason, and the setting that corrects it. An error means that a request is not
decided, is decided about something else, or fails. With an error it ends with exit code 1.

It reads a static configuration or a discovery response, in YAML or JSON, and the dump of the admin
interface: from a file, from standard input (-), or from the interface's URL. The dump has more in
it: what came from a control plane, and what Envoy has refused. The policy is the one in the
filter's configuration, unless --policy names another.`,
		Example: `  rulegate envoy check front.yaml
  rulegate envoy check http://127.0.0.1:9901     # a running Envoy, by its admin interface
  kubectl exec deploy/gateway -- curl -s localhost:15000/config_dump | rulegate envoy check -`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("want one configuration, found %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(f.format, envoyCheckFormats); err != nil {
				return err
			}
			return envoyCheck(cmd, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.policy, "policy", "", "`file` of the policy, if the one in the configuration is not meant")
	flags.StringVar(&f.format, "format", "text", strings.Join(envoyCheckFormats, ", "))
	flags.BoolVar(&f.strict, "strict", false, "end with exit code 1 for warnings too")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(envoyCheckFormats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func envoyCheck(cmd *cobra.Command, source string, f envoyCheckFlags) error {
	o := envoycheck.Options{Now: time.Now()}
	if f.policy != "" {
		file, err := loadFile(f.policy, policy.Options{AllowUnset: true}, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		o.Policy = file.policy
	}
	name, data, err := envoycheck.Read(cmd.Context(), source, cmd.InOrStdin())
	if err != nil {
		return err
	}
	findings, err := envoycheck.Check(name, data, o)
	if err != nil {
		return err
	}
	if err := writeFindings(cmd.OutOrStdout(), f.format, name, findings); err != nil {
		return err
	}
	for _, x := range findings {
		if x.Level == envoycheck.Error || f.strict && x.Level == envoycheck.Warning {
			return errReported
		}
	}
	return nil
}

func writeFindings(w io.Writer, format, name string, findings []envoycheck.Finding) error {
	switch format {
	case "json":
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(map[string]any{"findings": append([]envoycheck.Finding{}, findings...)})
	case "text":
		counts := map[envoycheck.Level]int{}
		for _, x := range findings {
			counts[x.Level]++
			if _, err := fmt.Fprintf(w, "%s:%d: %s: %s: %s [%s]\n  fix: %s\n", x.File, x.Line, x.Level, x.Path, x.Why, x.Code, x.Fix); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(w, "%s: %s, %s, %s\n", name, counted(counts[envoycheck.Error], "error"), counted(counts[envoycheck.Warning], "warning"), counted(counts[envoycheck.Note], "note"))
		return err
	}
	c := report.Case{Suite: name, Name: name}
	for _, x := range findings {
		c.Findings = append(c.Findings, report.Finding{
			Code: "envoy/" + x.Code, Level: report.Level(x.Level), Message: x.Path + ": " + x.Why, Detail: "fix: " + x.Fix, File: x.File, Line: x.Line,
		})
	}
	about := map[string]string{}
	for code, text := range envoycheck.Codes {
		about["envoy/"+code] = text
	}
	return report.Write(w, format, version(), []report.Case{c}, about)
}
