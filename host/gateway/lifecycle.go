package gateway

import (
	"context"
	"time"
)

// closeTimeout is how long a running callback delays the end of its VM.
const closeTimeout = time.Second

// close ends the VM and frees its memory. If a callback does not return, its
// goroutine and the memory stay.
func (v *vm) close() {
	v.die(nil)
	if !v.lockFor(closeTimeout, nil) {
		return
	}
	defer v.unlock()
	for _, c := range v.httpCalls {
		c.cancel()
	}
	if v.mod != nil {
		_ = v.mod.Close(context.Background())
	}
}

// shutDown tells the plugin that it ends. If on_done returns false, the plugin
// may work until it calls proxy_done or ctx ends.
func (v *vm) shutDown(ctx context.Context) {
	if v.dead.Load() || !v.lockFor(closeTimeout, nil) {
		return
	}
	v.doneAsked = make(chan struct{})
	wait, done := v.doneAsked, uint64(1)
	var err error
	if v.exp.onDone != nil {
		done, err = v.call(v.exp.onDone, rootID)
	}
	v.unlock()
	if err == nil && done == 0 {
		select {
		case <-wait:
		case <-ctx.Done():
		}
	}
	if v.lockFor(closeTimeout, nil) {
		_, _ = v.call(v.exp.onDelete, rootID)
		v.unlock()
	}
}

// ticks calls on_tick at the period that the module set last. A period of 0
// stops it at once, even if a tick is due already.
func (v *vm) ticks() {
	timer := time.NewTicker(time.Hour)
	defer timer.Stop()
	set := func(period time.Duration) {
		timer.Stop()
		if period > 0 {
			timer.Reset(period)
		}
	}
	for {
		select {
		case <-v.done:
			return
		case period := <-v.tick:
			set(period)
		case <-timer.C:
			if !v.lock() {
				return
			}
			select {
			case period := <-v.tick: // set while this tick waited for the lock
				set(period)
			default:
				_, _ = v.call(v.exp.tick, rootID)
			}
			v.unlock()
		}
	}
}

func hostTickPeriod(v *vm, a []uint64) status {
	d := time.Duration(uint32(a[0])) * time.Millisecond
	select { // replace a period that ticks has not read yet
	case <-v.tick:
	default:
	}
	v.tick <- d
	return statusOK
}

func hostDone(v *vm, _ []uint64) status {
	if v.doneAsked == nil {
		return statusNotFound
	}
	select {
	case <-v.doneAsked:
	default:
		close(v.doneAsked)
	}
	return statusOK
}

func hostTime(v *vm, a []uint64) status {
	return v.writeUint64(a[0], uint64(v.gw.cfg.Now().UnixNano()))
}
