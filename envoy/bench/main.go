// Command bench measures rulegate in Envoy beside other filters, and writes the tables
// of BENCHMARKS.md. `make bench` builds and runs it.
//
//	options → suite (keys, policies, listeners, works) → envoy → turns → report → tables, chart, document
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
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == authzCommand {
		os.Exit(serveAuthz(os.Args[2:], os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code: 2 for wrong flags, 130 after a signal.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	case o.list:
		fmt.Fprintln(stdout, strings.Join(all, "\n"))
		return 0
	}
	r, err := o.bench(ctx)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: stopped; nothing is written")
		return 130
	case err == nil:
		err = o.publish(r, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// bench measures all works.
func (o *options) bench(ctx context.Context) (*report, error) {
	if err := openFiles(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rulegate-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	generator, err := o.find(ctx, dir)
	if err != nil {
		return nil, err
	}
	s, err := newSuite(o, dir)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	r := &report{Machine: o.machine(ctx)}
	m := &runner{o: o, dir: dir, generator: generator, helpers: s.helpers}
	for _, workers := range []int{0, 2} {
		if err := m.measureAll(ctx, s, workers, r); err != nil {
			return nil, err
		}
	}
	if r.Starts, err = m.startups(ctx, s); err != nil {
		return nil, err
	}
	if err := r.conclude(o); err != nil {
		return nil, err
	}
	r.Machine.Minutes = time.Since(o.began).Minutes()
	return r, nil
}

// prepare starts the servers and makes Envoy's configuration.
func (s *suite) prepare(ctx context.Context) error {
	var stop func()
	var err error
	if s.upstream, stop, err = echo(); err != nil {
		return err
	}
	context.AfterFunc(ctx, stop)
	s.o.progress("start the servers that Envoy asks")
	if err := s.startServers(ctx); err != nil {
		return err
	}
	s.o.progress("write Envoy's configuration")
	for _, add := range []func() error{
		func() error { return s.warm(ctx) },
		s.cold,
		s.verify,
		func() error { return s.clauses(ctx) },
		func() error { return s.routes(ctx) },
		s.claims,
		func() error { return s.bodies(ctx) },
		func() error { return s.query(ctx) },
		func() error { s.connections(); return nil },
		func() error { return s.compare(ctx) },
	} {
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}

// measureAll measures the works for that number of workers, in one Envoy.
func (m *runner) measureAll(ctx context.Context, s *suite, workers int, r *report) error {
	var works []*work
	for i := range s.works {
		if w := &s.works[i]; w.workers == workers && s.wants(w.name) {
			works = append(works, w)
		}
	}
	if len(works) == 0 {
		return nil
	}
	conf := &s.conf
	if workers > 0 {
		conf = conf.only(listenersOf(works)...)
	}
	m.o.progress("start Envoy with %s", plural(max(1, workers), "worker"))
	e, err := conf.start(ctx, m.dir, m.o.envoy, max(1, workers))
	if err != nil {
		return err
	}
	defer e.stop()
	for _, w := range works {
		m.o.progress("%s: %s", w.name, w.title)
		if err := m.verify(ctx, e, w); err != nil {
			return err
		}
		samples, err := m.measure(ctx, e, w)
		if err != nil {
			return err
		}
		r.Works = append(r.Works, newResult(w, samples))
	}
	return nil
}

func listenersOf(works []*work) (names []string) {
	for _, w := range works {
		for _, c := range w.contenders {
			names = append(names, c.listener)
		}
	}
	return names
}

// conclude adds the figures that are computed from the measured ones.
func (r *report) conclude(o *options) error {
	for _, x := range []struct{ name, file string }{{ours, o.module}, {empty, o.empty}} {
		s, err := sizeOf(x.name, x.file)
		if err != nil {
			return err
		}
		r.Sizes = append(r.Sizes, s)
	}
	r.Targets, r.Fleet = r.targets(), newFleet(r)
	return nil
}

// publish prints the tables, writes the files and, after a whole run, the document.
func (o *options) publish(r *report, stdout io.Writer) error {
	if o.short {
		fmt.Fprintln(stdout, "all contenders answered as they should; the figures of a short run mean nothing")
		return nil
	}
	fmt.Fprintln(stdout, r.Machine)
	for i := range r.Works {
		fmt.Fprintf(stdout, "%s (%s)\n%s\n", r.Works[i].Title, r.Works[i].Name, r.Works[i].table().text())
	}
	if len(r.Starts) > 0 {
		fmt.Fprintf(stdout, "Start and memory (start)\n%s\n", r.startTable().text())
	}
	if len(r.Targets) > 0 {
		fmt.Fprintf(stdout, "Ratios that we watch\n%s\n", r.targetTable().text())
	}
	if err := r.write(o.out); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "wrote %s and benchmarks.svg beside it\n", filepath.Join(o.out, "benchmarks.json"))
	page, err := o.publishComparison(r)
	if err != nil {
		return err
	}
	if page != "" {
		fmt.Fprintf(stdout, "wrote %s\n", page)
	}
	switch {
	case o.document == "":
		return nil
	case !o.whole():
		fmt.Fprintf(stdout, "%s is as before: its tables come from one run of all works\n", o.document)
		return nil
	}
	if err := update(o.document, r.sections()); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(o.document), "benchmarks.svg"), []byte(r.chart()), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "wrote the tables of %s\n", o.document)
	return nil
}

// openFiles allows as many open files as the system does: the work connections needs
// two for each of 10,000 clients. Programs that the benchmark starts inherit it.
func openFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
