package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/rules"
	"github.com/spf13/cobra"
)

type proveFlags struct {
	format string
	strict bool
	seed   uint64
	max    int
}

var proveFormats = []string{"text", "json", "sarif", "github", "junit"}

func newProveCommand() *cobra.Command {
	var f proveFlags
	cmd := &cobra.Command{
		Use:   "prove policy.yaml claims.yaml or folder…",
		Short: "Prove statements about a policy, or refute them with a request",
		Long: `Prove reads statements about a policy, and looks for a request that breaks one: whatever is allowed
there satisfies a rule, a place of the response is masked, something is never allowed when a rule is
yes. A counterexample is printed with a file for rulegate test, and ends the command with exit code 1.
Without one, the statement is proved, or not refuted in so many requests.

Variables that are not set, and key files that are not there, get stand-ins: tokens are simulated.`,
		Example: `  rulegate prove policy.yaml claims.yaml
  rulegate prove HEAD~1:policy.yaml claims.yaml
  rulegate prove --strict --format junit policy.yaml claims/ > report.xml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("want a policy, then files with statements or folders with them; found %s", counted(len(args), "argument"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.max < 2 {
				return usagef("--max: want 2 or more, found %d", f.max)
			}
			if err := checkFormat(f.format, proveFormats); err != nil {
				return err
			}
			return prove(cmd, args, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "text", strings.Join(proveFormats, ", "))
	flags.BoolVar(&f.strict, "strict", false, "end with exit code 1 for statements that are not proved, too")
	flags.Uint64Var(&f.seed, "seed", 0, "of the requests that are chosen at random, where there are too many")
	flags.IntVar(&f.max, "max", compare.DefaultMax, "how many requests are decided at most, for each statement")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(proveFormats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// claims are the statements of a file, with their proofs.
type claims struct {
	file   *policyfile.File
	proofs []*compare.Proof
}

func prove(cmd *cobra.Command, args []string, f *proveFlags) error {
	s, err := sourceOf(args[0])
	if err != nil {
		return err
	}
	p, err := loadCompared(&s, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	files, err := claimsFiles(args[1:])
	if err != nil {
		return err
	}
	var all []*claims
	ok := true
	for _, path := range files {
		c, err := proveFile(cmd, p, path, f)
		if err != nil {
			return err
		}
		all = append(all, c)
		for _, proof := range c.proofs {
			ok = ok && proof.Counter == nil && (!f.strict || proof.Proved())
		}
	}
	if err := f.write(cmd.OutOrStdout(), p.name, all); err != nil {
		return err
	}
	if !ok {
		return errReported
	}
	return nil
}

// claimsFiles lists the files with statements that arguments name: files, and folders
// with such files.
func claimsFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		if !(policyfile.Disk{}).IsDir(arg) {
			files = append(files, filepath.Clean(arg))
			continue
		}
		found, err := policyfile.Disk{}.List(arg)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(name string) bool {
			base, ok := strings.CutSuffix(strings.TrimSuffix(name, filepath.Ext(name)), "claims")
			return !ok || !slices.Contains([]string{".yaml", ".yml", ".json"}, strings.TrimPrefix(name, base+"claims"))
		})
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no file whose name ends in claims.yaml, claims.yml or claims.json", arg)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func proveFile(cmd *cobra.Command, p *comparedPolicy, path string, f *proveFlags) (*claims, error) {
	file, err := policyfile.ReadOther(path)
	if err != nil {
		return nil, err
	}
	statements, err := compare.Statements(file.Doc)
	if err != nil {
		return nil, faultsIn(file, err)
	}
	out := &claims{file: file}
	bar := newBar(cmd.ErrOrStderr(), "statement")
	defer bar.end()
	for i, s := range statements {
		bar.set(i, len(statements))
		proof, err := compare.Prove(p.Policy, s, compare.Options{Max: f.max, Seed: f.seed})
		if err != nil {
			return nil, faultsIn(file, err)
		}
		out.proofs = append(out.proofs, proof)
	}
	return out, nil
}

// faultsIn gives faults their lines in a file.
func faultsIn(file *policyfile.File, err error) error {
	var faults rules.Faults
	if errors.As(err, &faults) {
		return file.Faults(faults)
	}
	return err
}

func (f *proveFlags) write(w io.Writer, policy string, all []*claims) error {
	switch f.format {
	case "json":
		return writeProofs(w, policy, all)
	case "text":
		w = report.Plain(w)
		for _, c := range all {
			for _, p := range c.proofs {
				fmt.Fprintln(w, strings.Join(p.Lines(), "\n"))
				if p.Counter != nil {
					fmt.Fprintf(w, "\n%s\n", p.Counterexample(policy))
				}
			}
		}
		return nil
	}
	return report.Write(w, f.format, version(), proofCases(policy, all), map[string]string{
		"prove/refuted":    "A request breaks a statement about the policy.",
		"prove/not-proved": "A statement about the policy is neither proved nor refuted.",
	})
}

type proofJSON struct {
	Name     string          `json:"name"`
	File     string          `json:"file"`
	Line     int             `json:"line"`
	Verdict  string          `json:"verdict"` // proved, refuted or not refuted
	Requests int             `json:"requests"`
	Method   string          `json:"method,omitempty"`
	Path     string          `json:"path,omitempty"`
	Resource string          `json:"resource,omitempty"`
	Shown    []string        `json:"shown,omitempty"`
	Request  json.RawMessage `json:"request,omitempty"`
	Test     string          `json:"test,omitempty"`
	Notes    []string        `json:"notes,omitempty"`
	Sampled  bool            `json:"sampled"`
	Calls    bool            `json:"calls"`
}

func writeProofs(w io.Writer, policy string, all []*claims) error {
	out := struct {
		Policy string      `json:"policy"`
		Claims []proofJSON `json:"claims"`
	}{policy, []proofJSON{}}
	for _, c := range all {
		for _, p := range c.proofs {
			file, line, _ := c.file.Locate(p.Statement.Place)
			j := proofJSON{
				Name: p.Statement.Name, File: file, Line: line, Verdict: p.Verdict(), Requests: p.Requests,
				Resource: p.Resource, Shown: p.Shown, Notes: p.Notes, Sampled: p.Sampled, Calls: p.Calls,
			}
			if p.Counter != nil {
				j.Method, j.Path, j.Test = p.Counter.Method, p.Counter.Path, p.Counterexample(policy)
				j.Request = json.RawMessage(p.Counter.Request().String())
			}
			out.Claims = append(out.Claims, j)
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

func proofCases(policy string, all []*claims) (cases []report.Case) {
	for _, c := range all {
		for _, p := range c.proofs {
			file, line, column := c.file.Locate(p.Statement.Place)
			rc := report.Case{Suite: file, Name: p.Statement.Name}
			lines := p.Lines()
			finding := report.Finding{Message: lines[0], Detail: strings.Join(lines[1:], "\n"), File: file, Line: line, Column: column}
			switch {
			case p.Counter != nil:
				finding.Code, finding.Level = "prove/refuted", report.Error
				finding.Detail += "\n\n" + p.Counterexample(policy)
				rc.Findings = append(rc.Findings, finding)
			case !p.Proved():
				finding.Code, finding.Level = "prove/not-proved", report.Note
				rc.Findings = append(rc.Findings, finding)
			}
			cases = append(cases, rc)
		}
	}
	return slices.Clip(cases)
}
