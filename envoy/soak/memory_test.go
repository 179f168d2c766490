package soak

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sample is the anonymous memory of a process, in KiB: without the files that it maps.
type sample int

func anonymous(pid int) (sample, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
			n, err := strconv.Atoi(f[1])
			return sample(n), err
		}
	}
	return 0, fmt.Errorf("process %d: no RssAnon", pid)
}

// samples records the memory of the processes until ctx ends.
func (s *target) samples(ctx context.Context) {
	for {
		for name, pid := range s.processes {
			m, err := anonymous(pid)
			if err != nil {
				s.wrong(name + ": " + err.Error())
				return
			}
			s.mu.Lock()
			s.memory[name] = append(s.memory[name], m)
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// checkMemory compares the medians of the first and the last third. While a policy is
// replaced, the new VMs are beside the old ones, so single samples jump.
func (s *target) checkMemory(t *testing.T, took time.Duration) {
	for name, all := range s.memory {
		third := len(all) / 3
		if third == 0 {
			continue
		}
		first, last := median(all[:third]), median(all[len(all)-third:])
		t.Logf("%s: %s: memory %d MiB in the first third, %d MiB in the last", s.name, name, first>>10, last>>10)
		if took >= steady && float64(last) > float64(first)**growth {
			t.Errorf("%s: %s: memory grows from %d to %d KiB, more than %v times", s.name, name, first, last, *growth)
		}
	}
}

func median(all []sample) sample {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
