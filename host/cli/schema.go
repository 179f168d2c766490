package cli

import (
	"bytes"
	"encoding/json"

	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/spf13/cobra"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the policy file, for editors",
		Example: `  rulegate schema > schema.json
  # and in policy.yaml: # yaml-language-server: $schema=schema.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out bytes.Buffer
			if err := json.Indent(&out, []byte(schema.JSON().String()), "", "  "); err != nil {
				return err
			}
			out.WriteByte('\n')
			_, err := cmd.OutOrStdout().Write(out.Bytes())
			return err
		},
	}
}
