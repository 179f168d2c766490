package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// How long a part may take to be ready, and to end when it is told to. Envoy
// compiles the module before it is ready, which takes seconds, and many on a machine
// that is busy; rulegate gives requests that are under way ten seconds.
const (
	readyWithin = 5 * time.Minute
	endsWithin  = 12 * time.Second
)

// group is the processes that were started. It is used by one goroutine.
type group struct {
	env   []string
	log   *prefixed
	parts []*part
	ended chan *part // made with the first part
}

// part is one process of the group.
type part struct {
	name  string
	group *group
	cmd   *exec.Cmd
	done  chan struct{}
	err   error // set before done is closed
}

func (g *group) part(name, path string, args ...string) *part {
	cmd := exec.Command(path, args...)
	cmd.Env = g.env
	out := g.log.writer(name)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = attributes()
	return &part{name: name, group: g, cmd: cmd, done: make(chan struct{})}
}

// start runs the part and waits until ready says yes.
func (p *part) start(ctx context.Context, ready func(context.Context) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	g := p.group
	if g.ended == nil {
		g.ended = make(chan *part, 8)
	}
	g.parts = append(g.parts, p)
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
		g.ended <- p
	}()

	limit := time.NewTimer(readyWithin)
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case ended := <-g.ended:
			return ended.failure()
		case <-limit.C:
			return fmt.Errorf("%s: not ready after %v", p.name, readyWithin)
		case <-tick.C:
			// What answers may be another program that took the port
			// first: then the part has ended, or is about to.
			if ready(ctx) && p.running() {
				return nil
			}
		}
	}
}

func (p *part) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *part) failure() error {
	if p.err == nil {
		return fmt.Errorf("%s ended by itself", p.name)
	}
	return fmt.Errorf("%s ended by itself: %w", p.name, p.err)
}

// wait returns when ctx ends, or with an error when a part ends.
func (g *group) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case p := <-g.ended:
		return p.failure()
	}
}

// stop ends the parts, the last one started first, each by its process: asked
// first, and killed when that is not heard.
func (g *group) stop() {
	for i := len(g.parts) - 1; i >= 0; i-- {
		p := g.parts[i]
		if !p.running() {
			continue
		}
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(endsWithin):
			p.cmd.Process.Kill()
			<-p.done
		}
	}
}

// prefixed writes the lines of several parts to one place, each behind its
// part's name. Held, it keeps them until they are released.
type prefixed struct {
	mu   sync.Mutex
	to   io.Writer
	held bool
	kept bytes.Buffer
}

func (l *prefixed) writer(name string) io.Writer { return &lines{log: l, name: name} }

func (l *prefixed) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
	l.kept.WriteTo(l.to)
}

func (l *prefixed) write(name string, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.to
	if l.held {
		to = &l.kept
	}
	fmt.Fprintf(to, "%-9s | %s\n", name, bytes.TrimRight(line, "\r"))
}

// lines cuts what one part writes into lines. A line without an end is kept
// until there is one, or until it is too long to wait for.
type lines struct {
	log  *prefixed
	name string
	rest []byte
}

func (w *lines) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			break
		}
		w.log.write(w.name, line)
		w.rest = rest
	}
	if len(w.rest) > 64<<10 {
		w.log.write(w.name, w.rest)
		w.rest = nil
	}
	return len(b), nil
}
