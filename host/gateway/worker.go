package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// worker runs one VM and replaces it after a trap.
type worker struct {
	gw      *Gateway
	mu      sync.Mutex
	vm      *vm
	started time.Time // of the last attempt to start a VM
}

// nextVM chooses the VM for a new stream, round robin. A stream stays in its VM.
func (g *Gateway) nextVM() (*vm, error) {
	n := g.turn.Add(1)
	return g.workers[n%uint32(len(g.workers))].liveVM()
}

var errDead = errors.New("the module's VM has trapped")

func (w *worker) liveVM() (*vm, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.vm.dead.Load() {
		return w.vm, nil
	}
	if w.gw.cfg.FailurePolicy != FailReload || time.Since(w.started) < w.gw.cfg.ReloadBackoff {
		return nil, errDead
	}
	w.started = time.Now()
	v, err := newVM(w.gw)
	if err != nil {
		return nil, fmt.Errorf("reload: %w", err)
	}
	go w.vm.close()
	w.vm = v
	w.gw.cfg.Log.Info("the module has a new VM")
	return v, nil
}

func (w *worker) close(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.vm.shutDown(ctx)
	w.vm.close()
}
