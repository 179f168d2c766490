package cli

import (
	"time"

	"github.com/spf13/cobra"
)

func newEvalCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "eval",
		Short: "Evaluate single rules: JSON lines in, one decision a line out",
		Long: `Eval reads JSON lines on standard input and answers each with one line, in order.

In:  {"id", "rule": {…}, "args": {…}, "res"?: any, "aesKey"?: "base64", "now"?: "RFC 3339",
      "replies"?: [{"kind": "query", "col"?, "rows": […]}, {"kind": "query", "error": "…"},
                   {"kind": "webhook", "status": 200, "body": "as received"}, {"kind": "webhook", "error": "…"}]}
Out: {"id", "allow": bool, "outcome": "yes|no|unknown", "error"?: "for the client", "reason", "args",
      "res"?, "resBlocked", "calls": [{"kind", "db", "col", "find"?}, {"kind", "url", "headers", "body"}]}

args.auth, where given, counts as verified; the user's token is args.token. A reply serves every
call that fits it. A line that is no such object is answered with "error" and without "allow".`,
		Example: `  echo '{"id":1,"rule":{"rule":"match","type":"string","eval":"==","f1":"args.auth.role","f2":"admin"},"args":{"auth":{"role":"admin"}}}' | rulegate eval`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := newEvaluator(time.Now)
			if err != nil {
				return err
			}
			return eachLine(cmd.InOrStdin(), cmd.OutOrStdout(), e.answer)
		},
	}
}
