package target

import (
	"sync"
	"sync/atomic"
	"time"
)

// workers run functions in goroutines that are used again: the stack of a new goroutine
// is grown and copied several times until a database's driver fits on it. The zero
// workers are ready to use.
type workers struct {
	once sync.Once
	jobs chan func() // to an idle worker
	idle atomic.Int64
}

const (
	maxIdle  = 64               // workers
	idleTime = 10 * time.Second // after it, an idle worker ends
)

// run runs f in an idle worker, or in a new one. It does not wait.
func (w *workers) run(f func()) {
	w.once.Do(func() { w.jobs = make(chan func()) })
	select {
	case w.jobs <- f:
	default:
		go w.work(f)
	}
}

func (w *workers) work(f func()) {
	end := time.NewTimer(idleTime)
	defer end.Stop()
	defer w.idle.Add(-1)
	for {
		f()
		if w.idle.Add(1) > maxIdle {
			return
		}
		f = nil // it may hold a request
		end.Reset(idleTime)
		select {
		case f = <-w.jobs:
			w.idle.Add(-1)
		case <-end.C:
			return
		}
	}
}
