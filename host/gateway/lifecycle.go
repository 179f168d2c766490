package gateway

import (
	"context"
	"time"
)

// patience is how long a VM that is to end may go on with a callback.
const patience = time.Second

// close ends the VM and frees its memory. A callback that does not return
// keeps both, and the goroutine that it runs in.
func (v *vm) close() {
	v.die(nil)
	if !v.lockFor(patience) {
		return
	}
	defer v.unlock()
	for _, c := range v.calls {
		c.cancel()
	}
	if v.mod != nil {
		_ = v.mod.Close(context.Background())
	}
}

// leave tells the plugin that it is to end and, if it asks for time, gives it
// until ctx ends.
func (v *vm) leave(ctx context.Context) {
	if v.dead.Load() || !v.lockFor(patience) {
		return
	}
	v.leaving = make(chan struct{})
	wait, done := v.leaving, uint64(1)
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
	if v.lockFor(patience) {
		_, _ = v.call(v.exp.onDelete, rootID)
		v.unlock()
	}
}

// ticks calls on_tick at the period that the module set last. A period of 0 ends
// them at once: a tick that is due already does not come any more.
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
			case period := <-v.tick: // set while this tick waited for its turn
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
	select { // only the last one counts
	case <-v.tick:
	default:
	}
	v.tick <- d
	return statusOK
}

func hostDone(v *vm, _ []uint64) status {
	if v.leaving == nil {
		return statusNotFound
	}
	select {
	case <-v.leaving:
	default:
		close(v.leaving)
	}
	return statusOK
}

func hostTime(v *vm, a []uint64) status {
	return v.writeUint64(a[0], uint64(time.Now().UnixNano()))
}
