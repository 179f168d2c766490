package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/spacecloud"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/spf13/cobra"
)

type importFlags struct {
	output, format, project string
	force                   bool
}

func newImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Make a policy of the configuration of another gateway",
	}
	cmd.AddCommand(newImportSpaceCloudCommand())
	return cmd
}

func newImportSpaceCloudCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "space-cloud FILE...",
		Short: "Import projects and resource files of Space Cloud",
		Long: `Space-cloud reads configurations of Space Cloud: files with modules, exports of projects, and the
resource files of space-cli, in YAML or JSON. It writes a policy, and beside it a file with the
secrets of the source, which only its owner can read: .env for policy.yaml, shop.env for shop.yaml.
With several projects it writes a policy for each, named after the project.

It prints a report: the questions to decide, what has no counterpart, what is written in another
way, and what was carried over. A rule that cannot be said is denied, with its old text in a comment
"# TODO:", which "rulegate check" points at.`,
		Example: `  rulegate import space-cloud config.yaml
  rulegate import space-cloud resources/*.yaml --output shop.yaml
  set -a; . ./.env; set +a; rulegate check policy.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("want at least one file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return importSpaceCloud(cmd, args, f) },
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "policy.yaml", "`file` to write; with several projects, files in its folder")
	cmd.Flags().StringVar(&f.format, "format", "text", "format of the report: text or json")
	cmd.Flags().StringVar(&f.project, "project", "", "import this project only")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace files that are there already")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func importSpaceCloud(cmd *cobra.Command, paths []string, f importFlags) error {
	if f.format != "text" && f.format != "json" {
		return usagef("--format: want text or json, found %q", f.format)
	}
	var files []*policyfile.Documents
	for _, path := range paths {
		file, err := policyfile.ReadDocuments(path)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	drafts, err := spacecloud.Import(files)
	if err != nil {
		return err
	}
	drafts, err = chosen(drafts, f.project)
	if err != nil {
		return err
	}
	return writeDrafts(cmd.OutOrStdout(), drafts, f)
}

// chosen returns the drafts of a project, or all.
func chosen(drafts []*importer.Draft, project string) ([]*importer.Draft, error) {
	var names []string
	for _, d := range drafts {
		if project != "" && d.Name == project {
			return []*importer.Draft{d}, nil
		}
		names = append(names, d.Name)
	}
	switch {
	case len(drafts) == 0:
		return nil, fmt.Errorf("the files hold no project")
	case project != "":
		return nil, usagef("--project: no project is called %q: want one of %s", project, strings.Join(names, ", "))
	}
	return drafts, nil
}

func writeDrafts(w io.Writer, drafts []*importer.Draft, f importFlags) error {
	var outputs []importer.Output
	policies, taken := make([]string, len(drafts)), map[string]bool{}
	for i, d := range drafts {
		if _, err := d.Settle(); err != nil {
			return err
		}
		text, err := d.Render()
		if err != nil {
			return err
		}
		path := f.output
		if len(drafts) > 1 {
			name := fileName(d.Name, i)
			for taken[strings.ToLower(name)] { // two projects, for a file system that ignores case too
				name += "-2"
			}
			taken[strings.ToLower(name)] = true
			path = filepath.Join(filepath.Dir(f.output), name+".yaml")
		}
		policies[i] = path
		outputs = append(outputs, importer.Output{Path: path, Content: text, Mode: 0o644})
		if len(d.Variables) > 0 {
			outputs = append(outputs, importer.Output{Path: variablesOf(path), Content: d.Environment(), Mode: 0o600})
		}
	}
	if err := importer.Write(outputs, f.force); err != nil {
		return err
	}
	return reportImport(w, drafts, policies, outputs, f.format)
}

// variablesOf is the path of the variables of a policy: .env beside policy.yaml,
// shop.env beside shop.yaml.
func variablesOf(policy string) string {
	base := strings.TrimSuffix(filepath.Base(policy), filepath.Ext(policy))
	if base == "policy" {
		base = ""
	}
	return filepath.Join(filepath.Dir(policy), base+".env")
}

// fileName is the name of a project as a file's.
func fileName(project string, index int) string {
	name := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, project)
	if name == "" {
		return fmt.Sprintf("project-%d", index+1)
	}
	return name
}

func reportImport(w io.Writer, drafts []*importer.Draft, policies []string, outputs []importer.Output, format string) error {
	if format == "json" {
		type project struct {
			Project string `json:"project"`
			Policy  string `json:"policy"`
			importer.Report
		}
		out := make([]project, len(drafts))
		for i, d := range drafts {
			out[i] = project{d.Name, policies[i], d.Report}
		}
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(map[string]any{"projects": out})
	}
	for i, d := range drafts {
		if len(drafts) > 1 {
			fmt.Fprintf(w, "project %s: %s\n", d.Name, policies[i])
		}
		if err := d.Report.Write(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	for _, o := range outputs {
		note := ""
		if o.Mode == 0o600 {
			note = ", the secrets: keep it out of the repository"
		}
		fmt.Fprintf(w, "wrote %s%s\n", o.Path, note)
	}
	questions := 0
	for _, d := range drafts {
		questions += d.Report.Count(importer.ToDecide)
	}
	if questions > 0 {
		fmt.Fprintf(w, "%s to decide: search for \"# TODO:\" in the policy, then rulegate check %s\n", counted(questions, "question"), policies[0])
	}
	return nil
}
