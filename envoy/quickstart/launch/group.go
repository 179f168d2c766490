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

// The time limits for a part to become ready, and to end after SIGTERM. Envoy compiles
// the module before it is ready, which takes long on a busy machine. rulegate gives
// running requests ten seconds.
const (
	readyWithin = 5 * time.Minute
	endsWithin  = 12 * time.Second
)

// group holds the processes that were started. Only one goroutine may use it.
type group struct {
	env   []string
	log   *prefixed
	parts []*part
	ended chan *part // gets each part that ends; created with the first part
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

// start runs the part and waits until ready returns true.
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
			// Another program may have taken the port and answer: then the
			// part has ended, or ends soon.
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
		return fmt.Errorf("%s ended by itself, see its log above", p.name)
	}
	return fmt.Errorf("%s ended by itself: %w", p.name, p.err)
}

// wait returns nil when ctx ends, and an error when a part ends.
func (g *group) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case p := <-g.ended:
		return p.failure()
	}
}

// stop ends the parts, the last one first: by SIGTERM, and by SIGKILL if that does not
// end it in time.
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

// prefixed writes the lines of several parts to one writer, each after the name of
// its part. While held is set it keeps them until release.
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

// lines splits the output of one part into lines. It keeps an unfinished line until its
// end comes or it is too long.
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
