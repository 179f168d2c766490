package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// options are the command line, and the programs that were found by it.
type options struct {
	works              []string
	without            []string
	rounds             int
	turn               time.Duration
	generator          string
	short, list        bool
	envoy              string
	command, module    string
	out, document      string
	stderr             io.Writer
	began              time.Time
	most               int    // requests of a turn, in the short mode
	empty, opa, coraza string // built for the run; "" without
	verify             string // built for the run
	comparison         string // the folder
	authz              string // built for the comparison
}

// all are the names of the works, in the order of the document.
//
// The work comparison is not among them: it has a page of its own.
var all = []string{"warm", "cold", "verify", "clauses", "routes", "claims", "force", "mask", "rows", "query", "connections", "workers", "start"}

const usage = `Usage: bench [flags]

Bench measures rulegate in Envoy beside other filters: Envoy's CPU time for a request,
requests a second and latencies. The contenders take turns, so that the machine's other
load affects all of them: compare the columns of one table. Run it by "make bench", which
builds what it needs. Ctrl-C ends it, with all processes that it started.

With all works it writes the tables of the document again; with some (-works, -without,
-short) it leaves the document alone, because its tables must come from one run.

Works: %s. The work comparison is only measured where it is named, and writes
envoy/comparison/COMPARISON.md.

Flags:
`

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{stderr: stderr, began: time.Now()}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	var works, without string
	f.StringVar(&works, "works", "", "the works to measure, with commas (default all)")
	f.StringVar(&without, "without", "", "contenders to leave out, with commas: opa, coraza")
	f.IntVar(&o.rounds, "rounds", 5, "rounds of the works warm and cold; the others have three fifths of them")
	f.DurationVar(&o.turn, "turn", time.Second, "how long a contender has its turn")
	f.StringVar(&o.generator, "generator", "auto", "wrk, own (in Go), or auto: wrk where it is installed")
	f.BoolVar(&o.short, "short", false, "check that every contender answers as it should, with some requests each; the figures mean nothing")
	f.BoolVar(&o.list, "list", false, "list the works and exit")
	f.StringVar(&o.envoy, "envoy", os.Getenv("ENVOY"), "path of Envoy (default $ENVOY, or the one on the PATH)")
	f.StringVar(&o.command, "rulegate", "bin/rulegate", "path of the command")
	f.StringVar(&o.module, "module", "bin/rulegate.wasm", "path of the module")
	f.StringVar(&o.out, "out", "bin/bench", "folder for benchmarks.json and benchmarks.svg")
	f.StringVar(&o.document, "document", "envoy/BENCHMARKS.md", "document whose tables a run of all works writes, with the chart beside it; \"\" for none")
	f.StringVar(&o.comparison, "comparison", "envoy/comparison", "folder of the work comparison, which writes the page there; \"\" for no page")
	f.Usage = func() {
		fmt.Fprintf(stderr, usage, strings.Join(all, ", "))
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.works, o.without = words(works), words(without)
	return o, o.check(f.Args())
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func (o *options) check(rest []string) error {
	for _, w := range o.works {
		if !slices.Contains(all, w) && w != comparisonWork {
			return fmt.Errorf("-works: there is no %q; there are %s, %s", w, strings.Join(all, ", "), comparisonWork)
		}
	}
	for _, w := range o.without {
		if !slices.Contains(optional, w) {
			return fmt.Errorf("-without: want some of %s, found %q", strings.Join(optional, ", "), w)
		}
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("want flags only, found %q", rest[0])
	case o.rounds < 1:
		return fmt.Errorf("-rounds: want at least 1, found %d", o.rounds)
	case o.turn < 10*time.Millisecond || o.turn > time.Minute:
		return fmt.Errorf("-turn: want a time from 10ms to 1m, found %v", o.turn)
	case runtime.GOOS != "linux":
		return fmt.Errorf("CPU time is read from /proc, so this needs Linux; found %s", runtime.GOOS)
	}
	if o.short {
		// The number of requests ends a turn; its time is only for a contender that
		// does not answer.
		o.rounds, o.most, o.generator, o.turn = 1, 40, "own", time.Minute
	}
	return nil
}

// optional are the contenders that need modules from the network.
var optional = []string{"opa", "coraza"}

// find finds the programs that are needed, and builds the other contenders.
func (o *options) find(ctx context.Context, dir string) (generator, error) {
	name, g, err := pick(o.generator)
	faults := []error{err}
	o.generator = name
	if o.envoy == "" {
		o.envoy = "envoy"
	}
	if path, err := exec.LookPath(o.envoy); err != nil {
		faults = append(faults, fmt.Errorf("no Envoy: set ENVOY=$(make -s envoy), which finds or downloads one: %w", err))
	} else {
		o.envoy = path
	}
	for _, file := range []*string{&o.command, &o.module} {
		if _, err := os.Stat(*file); err != nil {
			faults = append(faults, fmt.Errorf("run make build first: %w", err))
		}
		*file, _ = filepath.Abs(*file)
	}
	if _, err := exec.LookPath("go"); err != nil {
		faults = append(faults, fmt.Errorf("no go, which builds the other contenders: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return g, o.build(ctx, dir)
}

// build builds the contenders that are Go programs.
func (o *options) build(ctx context.Context, dir string) error {
	o.empty = filepath.Join(dir, "empty.wasm")
	o.progress("build the empty plugin")
	if err := goBuild(ctx, "./envoy/bench/empty", wasip1, append(plugin, "-o", o.empty, ".")...); err != nil {
		return err
	}
	if o.wants("verify") {
		o.verify = filepath.Join(dir, "verify.wasm")
		if err := goBuild(ctx, "./envoy/bench/verify", wasip1, append(plugin, "-o", o.verify, ".")...); err != nil {
			return err
		}
	}
	if o.wants(comparisonWork) {
		o.progress("build the server with Open Policy Agent and cel-go")
		o.authz = filepath.Join(dir, "compare-authz")
		if err := goBuild(ctx, "./envoy/comparison/testdata/authz", nil, "-o", o.authz, "."); err != nil {
			return err
		}
	}
	if !o.wants("warm") {
		return nil
	}
	if !slices.Contains(o.without, "opa") {
		o.progress("build the server with Open Policy Agent")
		o.opa = filepath.Join(dir, "opa")
		if err := goBuild(ctx, "./envoy/bench/testdata/opa", nil, "-o", o.opa, "."); err != nil {
			return fmt.Errorf("%w\nIf its modules cannot be downloaded, leave it out: -without opa", err)
		}
	}
	// Envoy compiles Coraza's code for half a minute, which is too long for CI.
	if !slices.Contains(o.without, "coraza") && !o.short {
		o.progress("build the plugin with Coraza")
		o.coraza = filepath.Join(dir, "coraza.wasm")
		if err := goBuild(ctx, "./envoy/bench/testdata/coraza", wasip1, append(plugin, "-tags=no_fs_access", "-o", o.coraza, ".")...); err != nil {
			return fmt.Errorf("%w\nIf its modules cannot be downloaded, leave it out: -without coraza", err)
		}
	}
	return nil
}

// How a plugin is built.
var (
	wasip1 = []string{"GOOS=wasip1", "GOARCH=wasm"}
	plugin = []string{"-buildmode=c-shared", "-trimpath", "-ldflags=-s -w"}
)

func goBuild(ctx context.Context, folder string, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", folder, err, out)
	}
	return nil
}

// wants reports whether a work is to be measured. A run of all works leaves out the
// comparison, but for the short one.
func (o *options) wants(work string) bool {
	if work == comparisonWork && !o.short {
		return slices.Contains(o.works, work)
	}
	return len(o.works) == 0 || slices.Contains(o.works, work)
}

// whole reports whether the run measures all that the document shows.
func (o *options) whole() bool { return len(o.works) == 0 && len(o.without) == 0 && !o.short }

func (o *options) roundsOf(w *work) int {
	if w.steady {
		return o.rounds
	}
	return max(1, o.rounds*3/5)
}

// warmUp is the length of the first turn.
func (o *options) warmUp() time.Duration { return o.turn / 2 }

// vm returns the id of a VM. The short mode has only one VM of the module, because
// Envoy compiles the module for each.
func (o *options) vm(name string) string {
	if o.short {
		return "rulegate"
	}
	return name
}

// busyWorkers is the number of Envoy's workers for the work of that name; in the short
// mode no other Envoy is started for it.
func (o *options) busyWorkers() int {
	if o.short {
		return 0
	}
	return 2
}

func (o *options) connections() []int {
	if o.short {
		return []int{10}
	}
	return []int{10, 100, 1000, 10000}
}

// progress prints a line about the work that begins, with the time since the start.
func (o *options) progress(format string, args ...any) {
	fmt.Fprintf(o.stderr, "%6s  %s\n", time.Since(o.began).Round(time.Second), fmt.Sprintf(format, args...))
}
