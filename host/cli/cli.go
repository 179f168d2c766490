// Package cli is the command line of rulegate. Each subcommand has a file of
// its own; Run is the only place that prints errors and picks exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the work failed: a faulty policy, a refused token, a port in use
	exitUsage  = 2 // the command line is wrong
)

// errReported ends a command with exit code 1 after it has printed its errors
// itself.
var errReported = errors.New("reported")

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Run runs the command line and returns the process's exit code.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(testArgs(args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(context.Background())
	var usage usageError
	var faults *policyfile.Error
	stderr = report.Plain(stderr) // errors name what files and clients say
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v\nSee %[1]s --help.\n", cmd.CommandPath(), err)
		return exitUsage
	case errors.As(err, &faults):
		fmt.Fprintf(stderr, "%v\n%s: %s\n", faults, cmd.CommandPath(), counted(len(faults.Faults), "fault"))
		return exitFailed
	}
	if missing, ok := err.(*fs.PathError); ok { // the name of the system call helps nobody
		err = fmt.Errorf("%s: %w", missing.Path, missing.Err)
	}
	fmt.Fprintf(stderr, "%s: %v\n", cmd.CommandPath(), err)
	return exitFailed
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "rulegate",
		Short:         "Decide HTTP requests by the rules of one policy file, in Envoy or as a gateway of its own",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		newRunCommand(),
		newServeCommand(),
		newCheckCommand(),
		newTestCommand(),
		newExplainCommand(),
		newLSPCommand(),
		newDiffCommand(),
		newProveCommand(),
		newReplayCommand(),
		newConsoleCommand(),
		newImportCommand(),
		newOpenAPICommand(),
		newSchemaCommand(),
		newEvalCommand(),
		newEnvoyCommand(),
		newGatewayCommand(),
		newIstioCommand(),
		newImageCommand(),
		newTokenCommand(),
		newJWKSCommand(),
		newVersionCommand(),
	)
	strict(root)
	return root
}

// strict makes every mistake on the command line a usageError: cobra returns
// such mistakes and the errors of the work in the same way.
func strict(c *cobra.Command) {
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	if c.HasSubCommands() && c.RunE == nil {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q", args[0])
			}
			return c.Help()
		}
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// oneFile requires exactly one argument, the policy file.
func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one policy file, found %d arguments", len(args))
	}
	return nil
}

// counted returns a number and its noun: "1 fault", "2 faults".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
