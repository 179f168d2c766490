package decisionlog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Writer writes lines to a file, and to an Exporter. Nobody waits for it: a line that
// comes while too many wait is dropped and counted.
type Writer struct {
	path     string // "" for none; "-" is standard output
	out      io.Writer
	file     *os.File // nil for standard output, and for none
	exporter Exporter
	lines    chan string
	reopen   chan chan error
	ended    chan struct{}

	written, dropped atomic.Uint64
	buffered         uint64 // lines that were not flushed; of run alone
	failed           func(error)

	mu     sync.Mutex
	closed bool
}

// Exporter sends decisions somewhere else.
type Exporter interface {
	Export(e *Entry, line string)
	Close(ctx context.Context) error
}

// Options are optional.
type Options struct {
	Stdout   io.Writer   // that "-" means
	Exporter Exporter    // may be nil
	Failed   func(error) // is told of errors, the first of each second; may be nil
}

// maxQueued bounds the lines that wait to be written.
const maxQueued = 4096

// Open starts a writer. path is a file, which is appended to, "-" for standard output,
// or "" for none. Only this user can read a new file.
func Open(path string, o Options) (*Writer, error) {
	w := &Writer{
		path: path, exporter: o.Exporter, failed: o.Failed,
		lines: make(chan string, maxQueued), reopen: make(chan chan error), ended: make(chan struct{}),
	}
	if path == "-" {
		w.out = o.Stdout
	} else if err := w.open(); err != nil {
		return nil, err
	}
	go w.run()
	return w, nil
}

func (w *Writer) open() error {
	if w.path == "" || w.path == "-" {
		return nil
	}
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("--decision-log: %w", err)
	}
	if w.file != nil {
		w.file.Close()
	}
	w.file, w.out = f, f
	return nil
}

// Write passes a line on, without its end.
func (w *Writer) Write(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.dropped.Add(1)
		return
	}
	select {
	case w.lines <- line:
	default:
		w.dropped.Add(1)
	}
}

// Written returns the number of lines that were written.
func (w *Writer) Written() uint64 { return w.written.Load() }

// Dropped returns the number of lines that were not.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Reopen opens the file again, after it was moved away.
func (w *Writer) Reopen() error {
	done := make(chan error, 1)
	select {
	case w.reopen <- done:
		return <-done
	case <-w.ended:
		return nil
	}
}

// Close writes the lines that wait, as long as ctx lasts.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.lines)
	}
	w.mu.Unlock()
	select {
	case <-w.ended:
	case <-ctx.Done():
		return fmt.Errorf("decision log: %w", ctx.Err())
	}
	var err error
	if w.exporter != nil {
		err = w.exporter.Close(ctx)
	}
	if w.file != nil {
		err = errors.Join(err, w.file.Close())
	}
	return err
}

// run writes until Close. It flushes when no line waits.
func (w *Writer) run() {
	defer close(w.ended)
	var out *bufio.Writer
	if w.out != nil {
		out = bufio.NewWriterSize(w.out, 64<<10)
	}
	for {
		select {
		case line, more := <-w.lines:
			if !more {
				w.flush(out)
				return
			}
			w.line(out, line)
			if len(w.lines) == 0 {
				w.flush(out)
			}
		case done := <-w.reopen:
			w.flush(out)
			err := w.open()
			if err == nil && out != nil {
				out.Reset(w.out)
			}
			done <- err
		}
	}
}

func (w *Writer) line(out *bufio.Writer, line string) {
	if w.exporter != nil {
		if e, err := Parse([]byte(line)); err == nil {
			w.exporter.Export(e, line)
		}
	}
	w.buffered++
	if out == nil {
		return
	}
	if _, err := out.WriteString(line + "\n"); err != nil {
		w.fail(out, err)
	}
}

func (w *Writer) flush(out *bufio.Writer) {
	if out != nil {
		if err := out.Flush(); err != nil {
			w.fail(out, err)
		}
	}
	w.written.Add(w.buffered)
	w.buffered = 0
}

// failPause keeps a disk that is full from filling another log.
const failPause = time.Second

func (w *Writer) fail(out *bufio.Writer, err error) {
	w.dropped.Add(w.buffered)
	w.buffered = 0
	out.Reset(w.out) // a bufio.Writer fails for ever after an error
	if w.failed != nil {
		w.failed(err)
	}
	time.Sleep(failPause)
}
