package gateway

import "sync"

// maxQueued bounds the items of a shared queue that is not read.
const maxQueued = 10_000

// sharedQueues are the queues that the VMs of a gateway share.
type sharedQueues struct {
	mu   sync.Mutex
	list []*sharedQueue // the id is the index, plus one
}

type sharedQueue struct {
	name  string
	items []string
	owner *vm // the last that registered the queue; on_queue_ready runs there
}

// find returns the id of a queue. The lock is held.
func (s *sharedQueues) find(name string) (id uint32, ok bool) {
	for i, q := range s.list {
		if q.name == name {
			return uint32(i + 1), true
		}
	}
	return 0, false
}

// get returns a queue; nil if there is none of that id. The lock is held.
func (s *sharedQueues) get(id uint32) *sharedQueue {
	if id > 0 && int(id) <= len(s.list) {
		return s.list[id-1]
	}
	return nil
}

func hostRegisterQueue(v *vm, a []uint64) status {
	name, ok := v.text(a[0], a[1])
	if !ok {
		return statusInvalidMemoryAccess
	}
	qs := &v.gw.queues
	qs.mu.Lock()
	id, ok := qs.find(name)
	if !ok {
		qs.list = append(qs.list, &sharedQueue{name: name})
		id = uint32(len(qs.list))
	}
	qs.get(id).owner = v
	qs.mu.Unlock()
	return v.writeUint32(a[2], id)
}

func hostResolveQueue(v *vm, a []uint64) status {
	vmID, ok1 := v.text(a[0], a[1])
	name, ok2 := v.text(a[2], a[3])
	if !ok1 || !ok2 {
		return statusInvalidMemoryAccess
	}
	qs := &v.gw.queues
	qs.mu.Lock()
	id, ok := qs.find(name)
	qs.mu.Unlock()
	if !ok || vmID != "" && vmID != v.gw.cfg.VMID {
		return statusNotFound
	}
	return v.writeUint32(a[4], id)
}

// hostEnqueue adds an item and calls on_queue_ready in the queue's owner.
func hostEnqueue(v *vm, a []uint64) status {
	item, ok := v.text(a[1], a[2])
	if !ok {
		return statusInvalidMemoryAccess
	}
	id := uint32(a[0])
	qs := &v.gw.queues
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q := qs.get(id)
	switch {
	case q == nil:
		return statusNotFound
	case len(q.items) >= maxQueued:
		return statusInternalFailure
	}
	q.items = append(q.items, item)
	go q.owner.queueReady(id)
	return statusOK
}

func (v *vm) queueReady(id uint32) {
	if v.lock() {
		_, _ = v.call(v.exp.queueReady, rootID, uint64(id))
		v.unlock()
	}
}

func hostDequeue(v *vm, a []uint64) status {
	qs := &v.gw.queues
	qs.mu.Lock()
	q := qs.get(uint32(a[0]))
	if q == nil || len(q.items) == 0 {
		qs.mu.Unlock()
		if q == nil {
			return statusNotFound
		}
		return statusEmpty
	}
	item := q.items[0]
	q.items = q.items[1:]
	qs.mu.Unlock()
	return v.giveText(item, a[1], a[2])
}
