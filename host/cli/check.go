package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/spf13/cobra"
)

func newCheckCommand() *cobra.Command {
	var allowUnset, strict bool
	cmd := &cobra.Command{
		Use:   "check policy.yaml",
		Short: "List everything that is wrong with a policy file, and what may be",
		Long: `Check lists all faults of a policy file, each with its line and column, and ends with exit
code 1 when there is one. Without a fault it lists warnings: what is allowed, and seldom meant.
It reads the variables that the policy names from the environment.`,
		Example: `  rulegate check policy.yaml
  rulegate check --allow-unset policy.yaml   # where the secrets are not`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, file, warnings, err := policyfile.Load(args[0], policy.Options{Getenv: os.LookupEnv, AllowUnset: allowUnset})
			var faults *policyfile.Error
			if errors.As(err, &faults) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%v\n%s\n", faults, counted(len(faults.Faults), "fault"))
				return errReported
			}
			if err != nil {
				return err
			}
			for _, w := range warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), file.Warning(w))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s\n", args[0], counted(len(p.Resources()), "rule"), counted(len(warnings), "warning"))
			for _, name := range p.Unset {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s is not set; what needs its value was not checked\n", args[0], name)
			}
			if strict && len(warnings) > 0 {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&allowUnset, "allow-unset", false, "take variables that are missing for ones that will be there")
	cmd.Flags().BoolVar(&strict, "strict", false, "end with exit code 1 for warnings too")
	return cmd
}

// counted is a number of things.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
