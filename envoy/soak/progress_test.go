package soak

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// progress writes a line about the targets to standard error: to a terminal twice a
// second in place, elsewhere every ten seconds.
type progress struct {
	targets  []*target
	began    time.Time
	terminal bool
}

func newProgress(targets []*target) *progress {
	info, err := os.Stderr.Stat()
	return &progress{targets, time.Now(), err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// show shows the progress until end is called.
func (p *progress) show() (end func()) {
	pause, done, ended := 10*time.Second, make(chan struct{}), make(chan struct{})
	if p.terminal {
		pause = 500 * time.Millisecond
	}
	go func() {
		defer close(ended)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-done:
				if p.terminal {
					fmt.Fprintln(os.Stderr)
				}
				return
			case <-tick.C:
				p.write()
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// write keeps the line short enough for a terminal of 80 columns.
func (p *progress) write() {
	var line strings.Builder
	fmt.Fprintf(&line, "%v", time.Since(p.began).Round(time.Second))
	for _, s := range p.targets {
		s.mu.Lock()
		var memory []string
		for _, name := range slices.Sorted(maps.Keys(s.memory)) {
			all := s.memory[name]
			memory = append(memory, fmt.Sprint(all[len(all)-1]>>10))
		}
		fmt.Fprintf(&line, " · %s %d%%, %d reloads, %s MiB", s.name, min(100, s.sent.Load()*100/s.share), s.swapped.Load(), strings.Join(memory, "+"))
		if n := sum(s.faults); n > 0 {
			fmt.Fprintf(&line, ", %d FAULTS", n)
		}
		s.mu.Unlock()
	}
	if p.terminal {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", line.String())
	} else {
		fmt.Fprintln(os.Stderr, line.String())
	}
}
