package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"time"

	"github.com/rulegate/rulegate/host/console"
	"github.com/rulegate/rulegate/host/listen"
	"github.com/spf13/cobra"
)

type consoleFlags struct {
	listen, export string
	open           bool
}

func newConsoleCommand() *cobra.Command {
	var f consoleFlags
	cmd := &cobra.Command{
		Use:   "console [policy.yaml]",
		Short: "Write and try a policy in the browser",
		Long: `Console serves a page with a policy, a request, and the decision about it: which route, how each
clause came out, what the upstream and the client get. Faults, tests, and what a change does are
shown while you type. The evaluator runs in the page itself: nothing is asked of a server.

With a policy, the page edits this file, what it includes, and its tests. It writes them only when
asked to, and notices when they change on the disk. The link that is printed has a token that opens
these files; variables of the environment and private keys do not get into the page.

--export writes the page into a folder, which any web server can serve.`,
		Example: `  rulegate console policy.yaml --open
  rulegate console --export public/console`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.export != "" {
				if len(args) > 0 {
					return usagef("--export writes the page alone: leave out %s", args[0])
				}
				return console.Export(f.export)
			}
			policy := ""
			if len(args) > 0 {
				policy = args[0]
			}
			return serveConsole(cmd, policy, &f)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "address to listen on, host:port; port 0 is a free one")
	flags.BoolVar(&f.open, "open", false, "open the page in the browser")
	flags.StringVar(&f.export, "export", "", "write the page into this `folder` instead, for a web server")
	// The only errors are flags that do not exist.
	_ = cmd.MarkFlagDirname("export")
	_ = cmd.RegisterFlagCompletionFunc("listen", cobra.NoFileCompletions)
	return cmd
}

func serveConsole(cmd *cobra.Command, policy string, f *consoleFlags) error {
	a, err := listen.ParseAddress(f.listen)
	if err != nil {
		return usagef("--listen: %w", err)
	}
	l, url, err := open("--listen", a, listen.Private)
	if err != nil {
		return err
	}
	defer l.Close()
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return usagef("--listen: want host:port, found %q", f.listen)
	}
	if !at.IP.IsLoopback() {
		fmt.Fprintf(cmd.ErrOrStderr(), "rulegate console: %s is not of this machine alone: whoever has the link can read and write the policy\n", at)
	}
	if at.IP.IsUnspecified() { // no address to go to; this machine's name is one that the page answers to
		url = fmt.Sprintf("http://localhost:%d", at.Port)
	}
	s, err := console.New(policy, at)
	if err != nil {
		return err
	}
	ctx := untilSignal(cmd.Context())
	if err := sayReady(cmd.OutOrStdout(), s.Link(url)); err != nil {
		return err
	}
	if f.open {
		if err := openBrowser(s.Link(url)); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "rulegate console: no browser could be opened: %v\n", err)
		}
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	// Questions about changes wait for long; they end with the command.
	srv.BaseContext = func(net.Listener) context.Context { return ctx }
	return serveHTTP(ctx, srv, l, textLog(cmd.ErrOrStderr()), func(context.Context) error { return nil })
}

// openBrowser opens a link in the browser of the user.
func openBrowser(link string) error {
	name, args := "xdg-open", []string{link}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", link}
	}
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // so that the process does not stay as a zombie
	return nil
}
