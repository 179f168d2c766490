package cli

import (
	"bytes"
	"encoding/json"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/spf13/cobra"
)

func newSchemaCommand() *cobra.Command {
	var tests, claims bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a policy, of its tests or of statements about it, for editors",
		Example: `  rulegate schema > schema.json
  # and in policy.yaml: # yaml-language-server: $schema=schema.json
  rulegate schema --tests > tests-schema.json    # of policy_test.yaml
  rulegate schema --claims > claims-schema.json  # of claims.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			doc := schema.JSON()
			switch {
			case tests && claims:
				return usagef("want --tests or --claims, not both")
			case tests:
				doc = policytest.Schema()
			case claims:
				doc = compare.ClaimsSchema()
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
	cmd.Flags().BoolVar(&claims, "claims", false, "print the JSON Schema of files with statements, which rulegate prove reads")
	return cmd
}
