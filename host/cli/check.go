package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/spelling"
	"github.com/spf13/cobra"
)

type checkFlags struct {
	allowUnset, strict bool
	explain, format    string
}

var checkFormats = []string{"text", "json", "sarif", "github", "junit"}

func newCheckCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check file or folder…",
		Short: "Check policy files: list their faults and warnings",
		Long: `Check lists every fault of policy files with its line and column; if there is one, it ends
with exit code 1. Without faults it lists warnings: rules that are valid and probably not meant.
It reads the variables that a policy names, such as ${NAME}, from the environment.
A folder means the policies in it and below it; files that a policy includes are checked with it.`,
		Example: `  rulegate check policy.yaml
  rulegate check --allow-unset policies/     # on a machine without the secrets
  rulegate check --format sarif policies/ > check.sarif
  rulegate check --explain or-allow          # the code of a warning`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.explain != "":
				return cobra.NoArgs(cmd, args)
			case len(args) == 0:
				return errors.New("want policy files, or folders with policies")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.explain != "" {
				return explainCode(cmd, f.explain)
			}
			if err := checkFormat(f.format, checkFormats); err != nil {
				return err
			}
			return check(cmd, args, f)
		},
	}
	cmd.Flags().BoolVar(&f.allowUnset, "allow-unset", false, "accept variables that are not set, and skip the checks of their values")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "end with exit code 1 for warnings too")
	cmd.Flags().StringVar(&f.format, "format", "text", strings.Join(checkFormats, ", "))
	cmd.Flags().StringVar(&f.explain, "explain", "", "explain the warnings of a code, and how to fix their cause")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(checkFormats, cobra.ShellCompDirectiveNoFileComp))
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

// checked is a policy file with its findings.
type checked struct {
	path     string
	rules    int
	faulty   bool // the findings are faults, else warnings
	findings []policyfile.Finding
	unset    []string // variables that are not set

	candidate      string // its file; "": there is none
	candidateRules int
}

// check checks the policies that the arguments name, and reports them.
func check(cmd *cobra.Command, args []string, f checkFlags) error {
	sources, err := policySources(args)
	if err != nil {
		return err
	}
	var all []*checked
	failed := false
	for _, s := range sources {
		c, err := checkSource(s, f.allowUnset)
		if err != nil {
			return err
		}
		all = append(all, c)
		failed = failed || c.faulty || f.strict && len(c.findings) > 0
	}
	stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	switch f.format {
	case "text":
		err = writeChecked(report.Plain(stdout), report.Plain(stderr), all)
	case "json":
		err = writeCheckedJSON(stdout, all)
	default:
		err = report.Write(stdout, f.format, version(), checkCases(all, f.strict), checkCodes())
	}
	if err != nil {
		return err
	}
	if failed {
		return errReported
	}
	return nil
}

// checkSource checks one policy.
//
// Errors: a file cannot be read.
func checkSource(s source, allowUnset bool) (*checked, error) {
	p, file, warnings, err := policyfile.LoadFrom(s.files, s.path, policy.Options{Getenv: os.LookupEnv, AllowUnset: allowUnset})
	out := &checked{path: s.files.Name(s.path)}
	var faults *policyfile.Error
	switch {
	case errors.As(err, &faults):
		out.faulty, out.findings = true, faults.Findings()
	case err != nil:
		return nil, err
	default:
		out.rules, out.findings, out.unset = len(p.Resources()), file.Findings(warnings), p.Unset
		if c := p.Candidate; c != nil {
			out.candidate, out.candidateRules = filepath.Join(filepath.Dir(s.path), filepath.FromSlash(c.File())), len(c.Policy.Resources())
		}
	}
	return out, nil
}
