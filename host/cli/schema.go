package cli

import (
	"bytes"
	"encoding/json"

	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/spf13/cobra"
)

func newSchemaCommand() *cobra.Command {
	var tests bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the policy file, for editors",
		Example: `  rulegate schema > schema.json
  # and in policy.yaml: # yaml-language-server: $schema=schema.json
  rulegate schema --tests > tests-schema.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			doc := schema.JSON()
			if tests {
				doc = policytest.Schema()
			}
			var out bytes.Buffer
			if err := json.Indent(&out, []byte(doc.String()), "", "  "); err != nil {
				return err
			}
			out.WriteByte('\n')
			_, err := cmd.OutOrStdout().Write(out.Bytes())
			return err
		},
	}
	cmd.Flags().BoolVar(&tests, "tests", false, "print the JSON Schema of files with tests")
	return cmd
}
