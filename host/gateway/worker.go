package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// slot is the place of one VM, which may be replaced after a trap.
type slot struct {
	gw   *Gateway
	mu   sync.Mutex
	vm   *vm
	born time.Time // when a VM was last started, or tried to
}

// pick chooses the VM for a stream: each in its turn, as streams stay where
// they began.
func (g *Gateway) pick() (*vm, error) {
	n := g.turn.Add(1)
	return g.slots[n%uint32(len(g.slots))].live()
}

var errDead = errors.New("the module's VM has trapped")

func (s *slot) live() (*vm, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.vm.dead.Load() {
		return s.vm, nil
	}
	if s.gw.cfg.FailurePolicy != FailReload || time.Since(s.born) < s.gw.cfg.ReloadBackoff {
		return nil, errDead
	}
	s.born = time.Now()
	v, err := newVM(s.gw)
	if err != nil {
		return nil, fmt.Errorf("reload: %w", err)
	}
	go s.vm.close()
	s.vm = v
	s.gw.cfg.Log.Info("the module has a new VM")
	return v, nil
}

func (s *slot) close(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vm.leave(ctx)
	s.vm.close()
}
