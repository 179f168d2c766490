// Command launch starts the quickstart: the upstream, the companion and Envoy, or
// the upstream and the embedded gateway. It prints curl commands to try. It ends all
// processes that it started when it gets a signal, or when one of them ends.
//
// With -check it runs the commands itself, compares the answers with the expected
// ones, and exits.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// options are the values of the flags.
type options struct {
	root   string // the repository's folder
	policy string
	state  string // where files are kept; "": a temporary folder
	envoy  string // the path of Envoy; "": the embedded gateway
	port   int    // the first of five ports in a row; 0: free ones
	check  bool
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("launch", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.root, "root", ".", "the repository's folder")
	flags.StringVar(&o.policy, "policy", "", "policy file (default: the quickstart's)")
	flags.StringVar(&o.state, "state", "", "folder for the database, the secret and the configuration (default: run; with -check, one that is removed)")
	flags.StringVar(&o.envoy, "envoy", "", "path of Envoy; without it the embedded gateway is started")
	flags.IntVar(&o.port, "port", 10000, "first of five ports in a row; 0 takes free ones")
	flags.BoolVar(&o.check, "check", false, "run the printed commands, compare the answers, and exit")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if o.policy == "" {
		o.policy = filepath.Join(o.root, "envoy/quickstart/policy.yaml")
	}
	if o.state == "" && !o.check {
		o.state = filepath.Join(o.root, "run")
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := launch(ctx, o, stdout, stderr)
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "quickstart:", err)
		return 1
	}
	return 0
}

// launch starts everything. It returns when ctx ends, a part ends or the check is
// done. All processes that it started have ended then.
func launch(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	at, err := choosePorts(o.port, o.envoy != "")
	if err != nil {
		return err
	}
	if o.state == "" {
		if o.state, err = os.MkdirTemp("", "rulegate-quickstart-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.state)
	}
	s, err := newSetup(o, at)
	if err != nil {
		return err
	}

	// A check prints the log only if it fails.
	log := &prefixed{to: stderr}
	if o.check {
		log.held = true
		defer func() {
			if err != nil && !errors.Is(err, context.Canceled) {
				log.release()
			}
		}()
	}
	g := &group{env: s.env, log: log}
	defer g.stop()
	if err := s.start(ctx, g); err != nil {
		return err
	}
	tries, err := s.tries(ctx)
	if err != nil {
		return err
	}
	if o.check {
		return checkAll(ctx, g, tries, stdout)
	}
	printAll(stdout, s, tries)
	return g.wait(ctx)
}
