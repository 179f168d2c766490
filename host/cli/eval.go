package cli

import (
	"time"

	"github.com/rulegate/rulegate/host/eval"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

func newEvalCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "eval",
		Short: "Evaluate single rules: each line of JSON gets one line with the decision",
		Long: `Eval reads JSON lines from standard input and answers each with one line, in order.

In:  {"id", "rule": {…}, "args": {…}, "res"?: any, "aesKey"?: "base64", "now"?: "RFC 3339",
      "replies"?: [{"kind": "query", "col"?, "rows": […]}, {"kind": "query", "error": "…"},
                   {"kind": "webhook", "status": 200, "body": "as received"}, {"kind": "webhook", "error": "…"}]}
Out: {"id", "allow": bool, "outcome": "yes|no|unknown", "error"?: "for the client", "reason", "args",
      "res"?, "resBlocked", "calls": [{"kind", "db", "col", "find"?}, {"kind", "url", "headers", "body"}]}

If args has auth, its claims count as verified; args.token is the user's token. A reply serves
every call of its kind, and of its collection if it names one. A line that cannot be read is
answered with "error" and without "allow".`,
		Example: `  echo '{"id":1,"rule":{"rule":"match","type":"string","eval":"==","f1":"args.auth.role","f2":"admin"},"args":{"auth":{"role":"admin"}}}' | rulegate eval`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := eval.New(time.Now)
			if err != nil {
				return err
			}
			return eachLine(cmd.InOrStdin(), cmd.OutOrStdout(), func(line []byte, err error) []byte {
				if err != nil {
					return oneLine(value.Obj(member("error", value.Str(err.Error()))))
				}
				return oneLine(e.Answer(line))
			})
		},
	}
}
