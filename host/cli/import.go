package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/envoy"
	"github.com/rulegate/rulegate/host/importer/envoygateway"
	"github.com/rulegate/rulegate/host/importer/istio"
	"github.com/rulegate/rulegate/host/importer/openapi"
	"github.com/rulegate/rulegate/host/importer/spacecloud"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
	"github.com/spf13/cobra"
)

type importFlags struct {
	output, format, one string
	force, validate     bool
}

// importSource is a kind of configurations that are imported.
type importSource struct {
	use, short, long, example string
	read                      func([]*policyfile.Documents) ([]*importer.Draft, error)
	// validated reads a document that has the shapes of bodies; nil: there are none.
	validated   func(files []*policyfile.Documents, validate bool) ([]*importer.Draft, error)
	part, parts string // that a policy is made of: a project, a listener
}

// reportHelp describes the report of an importer.
const reportHelp = `It prints a report: the questions to decide, what stays where it is, what is written in another way
and why, and what was carried over. Nothing is looser than before: a condition that no rule can say
denies, with a comment "# TODO:", which "rulegate check" points at.`

var importSources = []importSource{
	{
		use: "space-cloud FILE...", short: "Import projects and resource files of Space Cloud", part: "project", parts: "projects", read: spacecloud.Import,
		long: `Space-cloud reads configurations of Space Cloud: files with modules, exports of projects, and the
resource files of space-cli, in YAML or JSON. It writes a policy, and beside it a file with the
secrets of the source, which only its owner can read: .env for policy.yaml, shop.env for shop.yaml.
With several projects it writes a policy for each, named after the project.

It prints a report: the questions to decide, what has no counterpart, what is written in another
way, and what was carried over. A rule that cannot be said is denied, with its old text in a comment
"# TODO:", which "rulegate check" points at.`,
		example: `  rulegate import space-cloud config.yaml
  rulegate import space-cloud resources/*.yaml --output shop.yaml
  set -a; . ./.env; set +a; rulegate check policy.yaml`,
	},
	{
		use: "envoy FILE...", short: "Import the filters jwt_authn and rbac of Envoy", part: "listener", parts: "listeners", read: envoy.Import,
		long: `Envoy reads configurations of Envoy in YAML or JSON: a static configuration, a dump of
/config_dump, a listener or an HTTP connection manager. The policy says what the filters jwt_authn
and rbac decide, and stands in their place; the other filters, the routes and the clusters stay in
Envoy. With several listeners it writes a policy for each, named after the listener.

` + reportHelp,
		example: `  rulegate import envoy envoy.yaml
  curl -s localhost:9901/config_dump > dump.json; rulegate import envoy dump.json --listener ingress`,
	},
	{
		use: "istio FILE...", short: "Import RequestAuthentication and AuthorizationPolicy of Istio", part: "workload", parts: "workloads", read: istio.Import,
		long: `Istio reads resources of Istio in YAML or JSON: RequestAuthentication, and AuthorizationPolicy with
ALLOW and DENY and the keys of when. The policy says what the filters decide that Istio makes of
them. It writes a policy for each set of workloads that the resources select, named after it.

` + reportHelp,
		example: `  rulegate import istio authentication.yaml authorization.yaml
  kubectl get requestauthentication,authorizationpolicy -n shop -o yaml > shop.yaml; rulegate import istio shop.yaml`,
	},
	{
		use: "envoy-gateway FILE...", short: "Import SecurityPolicy of Envoy Gateway", part: "resource", parts: "resources", read: envoygateway.Import,
		long: `Envoy-gateway reads resources of Envoy Gateway in YAML or JSON: SecurityPolicy with jwt,
authorization, apiKeyAuth and cors, and the Secrets with the API keys, of which the policy has the
hashes. It writes a policy for each SecurityPolicy, named after it.

` + reportHelp,
		example: `  rulegate import envoy-gateway security.yaml
  kubectl get securitypolicy,secret -n shop -o yaml > shop.yaml; rulegate import envoy-gateway shop.yaml --resource public`,
	},
	{
		use: "openapi FILE", short: "Import an OpenAPI document", part: "document", parts: "documents", validated: openapi.Import,
		long: `Openapi reads an OpenAPI 3 document in YAML or JSON. It writes a route for each operation, with the
captures of its path and the tokens that its security needs. With --validate, a route also checks
the shape of a JSON body. What the document cannot say stands in it under x-rulegate: of an
operation, rule, response or auth; of the document, sections of the policy.

` + reportHelp,
		example: `  rulegate import openapi openapi.yaml --validate
  rulegate openapi check openapi.yaml policy.yaml`,
	},
}

func newImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Make a policy of the configuration of another gateway",
	}
	for i := range importSources {
		cmd.AddCommand(newImporterCommand(&importSources[i]))
	}
	return cmd
}

func newImporterCommand(s *importSource) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:     s.use,
		Short:   s.short,
		Long:    s.long,
		Example: s.example,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("want at least one file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return importFiles(cmd, s, args, f) },
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "policy.yaml", "`file` to write; with several "+s.parts+", files in its folder")
	cmd.Flags().StringVar(&f.format, "format", "text", "format of the report: text or json")
	cmd.Flags().StringVar(&f.one, s.part, "", "import this "+s.part+" only")
	if s.validated != nil {
		cmd.Flags().BoolVar(&f.validate, "validate", false, "check the shapes of bodies: required fields, types, enum, lengths, patterns, no other fields")
	}
	cmd.Flags().BoolVar(&f.force, "force", false, "replace files that are there already")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func importFiles(cmd *cobra.Command, s *importSource, paths []string, f importFlags) error {
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
	var drafts []*importer.Draft
	var err error
	if s.validated != nil {
		drafts, err = s.validated(files, f.validate)
	} else {
		drafts, err = s.read(files)
	}
	if err != nil {
		return err
	}
	drafts, err = s.chosen(drafts, f.one)
	if err != nil {
		return err
	}
	return s.write(cmd.OutOrStdout(), drafts, f)
}

// chosen returns the draft of a name, or all.
func (s *importSource) chosen(drafts []*importer.Draft, one string) ([]*importer.Draft, error) {
	var names []string
	for _, d := range drafts {
		if one != "" && d.Name == one {
			return []*importer.Draft{d}, nil
		}
		names = append(names, d.Name)
	}
	switch {
	case len(drafts) == 0:
		return nil, fmt.Errorf("the files hold no %s", s.part)
	case one != "":
		return nil, usagef("--%s: no %s is called %q: want one of %s", s.part, s.part, one, strings.Join(names, ", "))
	}
	return drafts, nil
}

func (s *importSource) write(w io.Writer, drafts []*importer.Draft, f importFlags) error {
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
			name := s.fileName(d.Name, i)
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
	return s.report(w, drafts, policies, outputs, f.format)
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

// fileName is the name of a project or a listener as a file's.
func (s *importSource) fileName(project string, index int) string {
	name := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, project)
	if name == "" {
		return fmt.Sprintf("%s-%d", s.part, index+1)
	}
	return name
}

func (s *importSource) report(w io.Writer, drafts []*importer.Draft, policies []string, outputs []importer.Output, format string) error {
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
	w = report.Plain(w)
	for i, d := range drafts {
		if len(drafts) > 1 {
			fmt.Fprintf(w, "%s %s: %s\n", s.part, d.Name, policies[i])
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
