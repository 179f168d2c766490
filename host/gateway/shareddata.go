package gateway

import "sync"

// maxQueued bounds a shared queue that nobody reads.
const maxQueued = 10_000

// shared is what the VMs of a gateway have in common.
type shared struct {
	mu     sync.Mutex
	data   map[string]datum
	cas    uint32
	queues []*queue // the id is the index, plus one
}

type datum struct {
	value string
	cas   uint32
}

type queue struct {
	name  string
	items []string
	vm    *vm // told of new items
}

func hostSharedData(v *vm, a []uint64) status {
	key, ok := v.text(a[0], a[1])
	if !ok {
		return statusInvalidMemoryAccess
	}
	sh := &v.gw.shared
	sh.mu.Lock()
	d, ok := sh.data[key]
	sh.mu.Unlock()
	if !ok {
		return statusNotFound
	}
	if st := v.giveText(d.value, a[2], a[3]); st != statusOK {
		return st
	}
	return v.writeUint32(a[4], d.cas)
}

// hostSetSharedData sets a value: always if cas is 0, else only if the value is
// still the one that was read with that cas.
func hostSetSharedData(v *vm, a []uint64) status {
	key, ok1 := v.text(a[0], a[1])
	value, ok2 := v.text(a[2], a[3])
	if !ok1 || !ok2 {
		return statusInvalidMemoryAccess
	}
	sh := &v.gw.shared
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if cas := uint32(a[4]); cas != 0 {
		if d, ok := sh.data[key]; ok && d.cas != cas {
			return statusCASMismatch
		}
	}
	if sh.data == nil {
		sh.data = map[string]datum{}
	}
	if sh.cas++; sh.cas == 0 {
		sh.cas = 1
	}
	sh.data[key] = datum{value, sh.cas}
	return statusOK
}

func (s *shared) find(name string) (id uint32, ok bool) {
	for i, q := range s.queues {
		if q.name == name {
			return uint32(i + 1), true
		}
	}
	return 0, false
}

func (s *shared) queue(id uint64) *queue {
	if i := uint32(id); i > 0 && int(i) <= len(s.queues) {
		return s.queues[i-1]
	}
	return nil
}

func hostRegisterQueue(v *vm, a []uint64) status {
	name, ok := v.text(a[0], a[1])
	if !ok {
		return statusInvalidMemoryAccess
	}
	sh := &v.gw.shared
	sh.mu.Lock()
	id, ok := sh.find(name)
	if !ok {
		sh.queues = append(sh.queues, &queue{name: name})
		id = uint32(len(sh.queues))
	}
	sh.queues[id-1].vm = v
	sh.mu.Unlock()
	return v.writeUint32(a[2], id)
}

func hostResolveQueue(v *vm, a []uint64) status {
	vmID, ok1 := v.text(a[0], a[1])
	name, ok2 := v.text(a[2], a[3])
	if !ok1 || !ok2 {
		return statusInvalidMemoryAccess
	}
	sh := &v.gw.shared
	sh.mu.Lock()
	id, ok := sh.find(name)
	sh.mu.Unlock()
	if !ok || vmID != "" && vmID != v.gw.cfg.VMID {
		return statusNotFound
	}
	return v.writeUint32(a[4], id)
}

// hostEnqueue adds an item and tells the VM that registered the queue last.
func hostEnqueue(v *vm, a []uint64) status {
	item, ok := v.text(a[1], a[2])
	if !ok {
		return statusInvalidMemoryAccess
	}
	id := uint32(a[0])
	sh := &v.gw.shared
	sh.mu.Lock()
	defer sh.mu.Unlock()
	q := sh.queue(a[0])
	switch {
	case q == nil:
		return statusNotFound
	case len(q.items) >= maxQueued:
		return statusInternalFailure
	}
	q.items = append(q.items, item)
	if owner := q.vm; owner != nil {
		go func() {
			if owner.lock() {
				_, _ = owner.call(owner.exp.queueReady, rootID, uint64(id))
				owner.unlock()
			}
		}()
	}
	return statusOK
}

func hostDequeue(v *vm, a []uint64) status {
	sh := &v.gw.shared
	sh.mu.Lock()
	q := sh.queue(a[0])
	if q == nil || len(q.items) == 0 {
		sh.mu.Unlock()
		if q == nil {
			return statusNotFound
		}
		return statusEmpty
	}
	item := q.items[0]
	q.items = q.items[1:]
	sh.mu.Unlock()
	return v.giveText(item, a[1], a[2])
}
