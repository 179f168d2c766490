package gateway

import "sync"

// sharedData is the key-value store that the VMs of a gateway share.
type sharedData struct {
	mu      sync.Mutex
	entries map[string]sharedEntry
	lastCAS uint32
}

// sharedEntry is a value with the number of the write that set it.
type sharedEntry struct {
	value string
	cas   uint32
}

func hostSharedData(v *vm, a []uint64) status {
	key, ok := v.text(a[0], a[1])
	if !ok {
		return statusInvalidMemoryAccess
	}
	d := &v.gw.data
	d.mu.Lock()
	e, ok := d.entries[key]
	d.mu.Unlock()
	if !ok {
		return statusNotFound
	}
	if st := v.giveText(e.value, a[2], a[3]); st != statusOK {
		return st
	}
	return v.writeUint32(a[4], e.cas)
}

// hostSetSharedData sets a value. Unless cas is 0, the value must not have been
// set since it was read with that cas.
func hostSetSharedData(v *vm, a []uint64) status {
	key, ok1 := v.text(a[0], a[1])
	value, ok2 := v.text(a[2], a[3])
	if !ok1 || !ok2 {
		return statusInvalidMemoryAccess
	}
	d := &v.gw.data
	d.mu.Lock()
	defer d.mu.Unlock()
	if cas := uint32(a[4]); cas != 0 {
		if e, ok := d.entries[key]; ok && e.cas != cas {
			return statusCASMismatch
		}
	}
	if d.entries == nil {
		d.entries = map[string]sharedEntry{}
	}
	if d.lastCAS++; d.lastCAS == 0 { // 0 means any
		d.lastCAS = 1
	}
	d.entries[key] = sharedEntry{value, d.lastCAS}
	return statusOK
}
