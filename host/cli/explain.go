package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/explain"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/spf13/cobra"
)

type explainFlags struct {
	request requestFlags
	format  string
	color   string
	env     []string
}

var explainFormats = []string{"text", "json", "html"}

func newExplainCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain policy.yaml {METHOD PATH | LINE | -}",
		Short: "Say why a request is allowed or refused, clause by clause",
		Long: `Explain decides a request by a policy, and shows the way: the route and why that one, the token stage
by stage, the rule as a tree with its operands and the clause that decides, what the upstream would
get, and the response before and after. It asks no database and no webhook: --data and --webhooks
give their answers. The flags have the names of the members of a test (see rulegate test --help).

Instead of a request it takes a line of a log: a refusal in the log of the module or of rulegate run,
or a line of the decision log. Then it shows the clause in the policy. With - it reads such lines
from standard input, and skips the others.

Tokens, secrets and what the policy's sensitive names are masked. Colours are used on a terminal,
unless NO_COLOR is set. The exit code does not say whether the request is allowed.`,
		Example: `  rulegate explain policy.yaml GET /v1/todos/7 --as '{"id":"ana"}'
  rulegate explain policy.yaml PATCH /v1/todos/7 --as '{"id":"eve"}' --json '{"title":"x"}'
  rulegate explain policy.yaml GET /v1/people --as '{"id":"eve"}' --response people.json --format html > why.html
  kubectl logs deploy/envoy | rulegate explain policy.yaml -`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 && len(args) != 3 {
				return fmt.Errorf("want a policy file with a method and a path, or with a line of a log; found %s", counted(len(args), "argument"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return explainCommand(cmd, args, &f) },
	}
	f.request.add(cmd)
	cmd.Flags().StringArrayVar(&f.env, "env", nil, "a variable for ${NAME} in the policy, `NAME=value`, beside those of the environment; may be repeated")
	cmd.Flags().StringVar(&f.format, "format", "text", "text, json or html")
	cmd.Flags().StringVar(&f.color, "color", "auto", "auto, always or never")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(explainFormats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.ValidArgsFunction = completeExplain
	return cmd
}

// completeExplain completes a policy file, then a method.
func completeExplain(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
	case 1:
		return []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func explainCommand(cmd *cobra.Command, args []string, f *explainFlags) error {
	if !slices.Contains(explainFormats, f.format) {
		return usagef("--format: want text, json or html, found %q", f.format)
	}
	if !slices.Contains([]string{"auto", "always", "never"}, f.color) {
		return usagef("--color: want auto, always or never, found %q", f.color)
	}
	variables, err := f.variables()
	if err != nil {
		return err
	}
	file, err := loadFile(args[0], policy.Options{Getenv: variables}, io.Discard)
	if err != nil {
		return err
	}
	out := explainOutput{format: f.format, Writer: cmd.OutOrStdout()}
	out.mask = trace.PolicyMask(file.policy, file.Secrets(policy.Options{Getenv: variables}))
	out.Colour = f.color == "always" || f.color == "auto" && os.Getenv("NO_COLOR") == "" && isTerminal(out.Writer)
	if len(args) == 2 {
		if flag := f.request.used(cmd); flag != "" {
			return usagef("--%s is for a request, not for a line of a log", flag)
		}
		if args[1] == "-" {
			return explainLines(cmd.InOrStdin(), file, &out)
		}
		return explainLine(args[1], file, &out)
	}
	return explainRequest(cmd, args, file, &f.request, &out)
}

// variables returns the variables of the policy: those of --env, then the
// environment's.
func (f *explainFlags) variables() (func(string) (string, bool), error) {
	given := map[string]string{}
	for _, text := range f.env {
		name, v, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usagef("--env: want NAME=value, found %q", text)
		}
		given[name] = v
	}
	return func(name string) (string, bool) {
		if v, ok := given[name]; ok {
			return v, true
		}
		return os.LookupEnv(name)
	}, nil
}

// explainOutput is where explanations go.
type explainOutput struct {
	io.Writer
	explain.Options
	format string
	mask   *trace.Mask
}

// json writes a value as JSON.
func (out *explainOutput) json(v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func explainRequest(cmd *cobra.Command, args []string, file *loadedFile, f *requestFlags, out *explainOutput) error {
	req, err := f.build(args[1], args[2], file)
	if err != nil {
		return err
	}
	keys := file.policy.Tokens
	var o simulate.Options
	if f.token != "" {
		fetched := fetchForToken(cmd.Context(), file.policy, report.Plain(cmd.ErrOrStderr()))
		o.Keys, keys = fetched, fetched.set
	}
	t, err := traceOf(file, out.mask, req, o, keys)
	if err != nil {
		return err
	}
	switch out.format {
	case "json":
		return out.json(t)
	case "html":
		return explain.HTML(report.Plain(out), t)
	}
	return explain.Text(out, t, out.Options)
}

// traceOf decides a request and returns its trace.
func traceOf(file *loadedFile, mask *trace.Mask, req *simulate.Request, o simulate.Options, keys *token.Set) (*trace.Trace, error) {
	rec := trace.NewRecorder(trace.Options{
		Mask: mask,
		Locate: func(place string) trace.Position {
			path, line, column := file.Locate(place)
			return trace.Position{File: path, Line: line, Column: column}
		},
	})
	req.Tracer = rec
	result, err := simulate.New(file.policy, o).Decide(req)
	if err != nil {
		return nil, err
	}
	return rec.Trace(&trace.Subject{Policy: file.policy, Path: file.Path, Keys: keys, Request: req, Result: result}), nil
}

// explainLine explains one line of a log.
func explainLine(line string, file *loadedFile, out *explainOutput) error {
	record, err := explain.ParseLine(line, file.names())
	if err != nil {
		return err
	}
	return out.located(explain.Locate(record, file.policy, file.File, out.mask))
}

func (out *explainOutput) located(l *explain.Located) error {
	switch out.format {
	case "json":
		return out.json(l)
	case "html":
		return explain.LocatedHTML(report.Plain(out), l)
	}
	return explain.LocatedText(out, l, out.Options)
}

// names lists the names of the policy's resources.
func (f *loadedFile) names() (names []string) {
	for _, r := range f.policy.Resources() {
		names = append(names, r.Name)
	}
	return names
}

// explainLines explains the lines of a log that tell of a refusal.
func explainLines(in io.Reader, file *loadedFile, out *explainOutput) error {
	if out.format == "html" {
		return usagef("--format html: a page explains one line; give it as an argument")
	}
	names, found := file.names(), 0
	err := linesOf(in, func(line string) error {
		record, err := explain.ParseLine(line, names)
		if err != nil || record.Outcome == string(decide.Yes) {
			return nil
		}
		if found++; found > 1 && out.format == "text" {
			fmt.Fprintln(out)
		}
		return out.located(explain.Locate(record, file.policy, file.File, out.mask))
	})
	if err == nil && found == 0 {
		err = errors.New("standard input has no line that tells of a refusal")
	}
	return err
}

// linesOf calls f for each line of in that is not longer than maxLine.
func linesOf(in io.Reader, f func(line string) error) error {
	r := bufio.NewReaderSize(in, 64<<10)
	var buf []byte
	for {
		line, tooLong, err := readLine(r, buf[:0])
		if buf = line; !tooLong && len(line) > 0 {
			if err := f(string(line)); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
	}
}
