package lsp

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rulegate/rulegate/host/assist"
	protocol "github.com/tliron/glsp/protocol_3_16"
)

// pause is how long nothing may be typed before the files are checked.
const pause = 150 * time.Millisecond

// checker checks the open files, and those of their policies.
type checker struct {
	open    *open
	changed chan struct{} // something has to be checked

	mu     sync.Mutex
	found  map[string][]assist.Diagnostic // of the last check, by path
	failed map[string][]assist.Diagnostic // tests that failed, by path
	shown  map[string]bool                // files whose diagnostics the editor has
}

func newChecker(o *open) *checker {
	return &checker{open: o, changed: make(chan struct{}, 1), found: map[string][]assist.Diagnostic{}, failed: map[string][]assist.Diagnostic{}}
}

// change says that a file has changed.
func (c *checker) change() {
	select {
	case c.changed <- struct{}{}:
	default: // somebody has said so already
	}
}

// run checks after each change until ctx ends.
func (c *checker) run(ctx context.Context, publish func(protocol.PublishDiagnosticsParams)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-c.changed:
			case <-time.After(pause):
				waiting = false
			}
		}
		c.check(publish)
	}
}

// check checks all files, and publishes the diagnostics of each; those of a file that is
// no longer checked are taken back.
func (c *checker) check(publish func(protocol.PublishDiagnosticsParams)) {
	found := map[string][]assist.Diagnostic{}
	done := map[string]bool{}
	for _, path := range c.open.paths() {
		main := c.open.main(path)
		if done[main] {
			continue
		}
		done[main] = true
		list, paths := assist.Diagnose(c.open, main, os.LookupEnv)
		for _, p := range paths {
			if _, ok := found[p]; !ok {
				found[p] = nil // a file without diagnostics is shown too
			}
		}
		for _, d := range list {
			found[d.Path] = append(found[d.Path], d)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = found
	shown := map[string]bool{}
	for _, part := range []map[string][]assist.Diagnostic{found, c.failed} {
		for path := range part {
			shown[path] = true
		}
	}
	for path := range c.shown {
		if !shown[path] {
			publish(protocol.PublishDiagnosticsParams{URI: uriOf(path), Diagnostics: []protocol.Diagnostic{}})
		}
	}
	for path := range shown {
		publish(c.diagnostics(path))
	}
	c.shown = shown
}

// diagnostics returns the findings of the last check and of the last test run in a file.
func (c *checker) diagnostics(path string) protocol.PublishDiagnosticsParams {
	data, _ := c.open.Read(path, maxFile)
	l := linesOf(string(data))
	out := protocol.PublishDiagnosticsParams{URI: uriOf(path), Diagnostics: []protocol.Diagnostic{}}
	if d, ok := c.open.get(path); ok {
		out.Version = &d.version
	}
	for _, d := range append(slices.Clone(c.found[path]), c.failed[path]...) {
		out.Diagnostics = append(out.Diagnostics, diagnosticOf(d, l))
	}
	return out
}

func diagnosticOf(d assist.Diagnostic, l lines) protocol.Diagnostic {
	severity, source := protocol.DiagnosticSeverityWarning, "rulegate"
	if d.Severity == assist.Error {
		severity = protocol.DiagnosticSeverityError
	}
	return protocol.Diagnostic{
		Range: l.span(d.Range), Severity: &severity, Source: &source, Message: d.Message,
		Code: &protocol.IntegerOrString{Value: d.Code},
	}
}

// fixesAt lists the diagnostics with fixes that a range of a file touches.
func (c *checker) fixesAt(path string, touches func(assist.Range) bool) (out []assist.Diagnostic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.found[path] {
		if len(d.Fixes) > 0 && touches(d.Range) {
			out = append(out, d)
		}
	}
	return out
}

// setFailed keeps the tests that failed in a run.
func (c *checker) setFailed(failed map[string][]assist.Diagnostic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = failed
}

// forget drops the failures of a file that has changed.
func (c *checker) forget(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.failed, path)
}
