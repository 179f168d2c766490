package cli

import (
	"fmt"
	"io"

	"github.com/rulegate/rulegate/host/importer/openapi"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/spf13/cobra"
)

func newOpenAPICommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "openapi",
		Short: "Compare an OpenAPI document with a policy",
	}
	cmd.AddCommand(newOpenAPICheckCommand())
	return cmd
}

func newOpenAPICheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE POLICY",
		Short: "Find operations without a route, and routes without an operation",
		Long: `Check compares an OpenAPI 3 document with a policy. It prints the operations that no route covers,
the routes for which the document has no operation, and the operations that need a token where their
route does not, or the other way round. It exits with 1 if there is one.`,
		Example: `  rulegate openapi check openapi.yaml policy.yaml`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := policyfile.ReadDocuments(args[0])
			if err != nil {
				return err
			}
			doc, err := openapi.Read(file)
			if err != nil {
				return err
			}
			f, err := loadFile(args[1], policy.Options{AllowUnset: true}, io.Discard)
			if err != nil {
				return err
			}
			findings := openapi.Check(doc, f.policy, func(place string) string {
				path, line, _ := f.Locate(place)
				return fmt.Sprintf("%s:%d", path, line)
			})
			out := report.Plain(cmd.OutOrStdout())
			for _, x := range findings {
				fmt.Fprintf(out, "%s: %s\n", x.At, x.Message)
			}
			if len(findings) > 0 {
				return fmt.Errorf("%s", counted(len(findings), "difference"))
			}
			fmt.Fprintf(out, "%s and %s agree\n", args[0], args[1])
			return nil
		},
	}
}
