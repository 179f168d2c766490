package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/spelling"
	"github.com/spf13/cobra"
)

type checkFlags struct {
	allowUnset, strict bool
	explain            string
}

func newCheckCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check policy.yaml",
		Short: "Check a policy file: list its faults and warnings",
		Long: `Check lists every fault of a policy file with its line and column; if there is one, it ends
with exit code 1. Without faults it lists warnings: rules that are valid and probably not meant.
It reads the variables that the policy names, such as ${NAME}, from the environment.`,
		Example: `  rulegate check policy.yaml
  rulegate check --allow-unset policy.yaml   # on a machine without the secrets
  rulegate check --explain or-allow          # the code of a warning`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.explain != "" {
				return cobra.NoArgs(cmd, args)
			}
			return oneFile(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.explain != "" {
				return explainCode(cmd, f.explain)
			}
			return check(cmd, args[0], f)
		},
	}
	cmd.Flags().BoolVar(&f.allowUnset, "allow-unset", false, "accept variables that are not set, and skip the checks of their values")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "end with exit code 1 for warnings too")
	cmd.Flags().StringVar(&f.explain, "explain", "", "explain the warnings of a code, and how to fix their cause")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("explain", cobra.FixedCompletions(lint.Codes(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// explainCode prints the explanation of a warning's code.
func explainCode(cmd *cobra.Command, code string) error {
	text, ok := lint.Explain(code)
	if !ok {
		codes := strings.Join(lint.Codes(), ", ")
		if near := spelling.Nearest(code, lint.Codes()); near != "" {
			codes += "; did you mean " + near + "?"
		}
		return usagef("--explain: no warning has the code %q: want one of %s", code, codes)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n%s\n", code, text)
	return err
}

func check(cmd *cobra.Command, path string, f checkFlags) error {
	stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	p, file, warnings, err := policyfile.Load(path, policy.Options{Getenv: os.LookupEnv, AllowUnset: f.allowUnset})
	var faults *policyfile.Error
	if errors.As(err, &faults) {
		fmt.Fprintf(stderr, "%v\n%s\n", faults, counted(len(faults.Faults), "fault"))
		return errReported
	}
	if err != nil {
		return err
	}
	printed := file.Todos()
	for _, w := range warnings {
		printed = append(printed, file.Warning(w))
	}
	for _, line := range printed {
		fmt.Fprintln(stderr, line)
	}
	fmt.Fprintf(stdout, "%s: %s, %s\n", path, counted(len(p.Resources()), "rule"), counted(len(printed), "warning"))
	for _, name := range p.Unset {
		fmt.Fprintf(stdout, "%s: %s is not set; values that contain it were not checked\n", path, name)
	}
	if f.strict && len(printed) > 0 {
		return errReported
	}
	return nil
}
