package gateway

// bufferKind names one of the buffers that a module can ask for; the numbers
// are the ABI's.
type bufferKind uint32

const (
	bufferRequestBody  bufferKind = 0
	bufferResponseBody bufferKind = 1
	bufferCallBody     bufferKind = 4
	bufferVMConfig     bufferKind = 6
	bufferPluginConfig bufferKind = 7
)

// buffer returns a buffer that the module may read now. A body comes with its
// flow, since the module may change it.
func (v *vm) buffer(kind bufferKind) (data []byte, f *flow, ok bool) {
	switch kind {
	case bufferVMConfig:
		return v.vmConfig, nil, v.vmConfig != nil
	case bufferPluginConfig:
		return v.pluginConfig, nil, v.pluginConfig != nil
	case bufferCallBody:
		if v.reply == nil {
			return nil, nil, false
		}
		return v.reply.body, nil, true
	case bufferRequestBody, bufferResponseBody:
		s := v.stream()
		if s == nil || s.logging {
			return nil, nil, false
		}
		f := &s.req
		if kind == bufferResponseBody {
			f = &s.resp
		}
		return f.body, f, f.open&bodyPart != 0
	}
	return nil, nil, false
}

func hostBuffer(v *vm, a []uint64) status {
	data, _, ok := v.buffer(bufferKind(a[0]))
	if !ok {
		return statusNotFound
	}
	start, size := uint64(uint32(a[1])), uint64(uint32(a[2]))
	n := uint64(len(data))
	if start > n {
		return statusBadArgument
	}
	if size > n-start {
		size = n - start
	}
	return v.give(data[start:start+size], a[3], a[4])
}

func hostBufferStatus(v *vm, a []uint64) status {
	data, _, ok := v.buffer(bufferKind(a[0]))
	if !ok {
		return statusNotFound
	}
	if st := v.writeUint32(a[1], uint32(len(data))); st != statusOK {
		return st
	}
	return v.writeUint32(a[2], 0)
}

// hostSetBuffer changes a body in the three ways that Envoy offers: it prepends
// bytes (start and size are 0), replaces the body (start is 0, size is the
// body's or more) or appends bytes (start is the body's end or later).
func hostSetBuffer(v *vm, a []uint64) status {
	body, f, ok := v.buffer(bufferKind(a[0]))
	switch {
	case !ok:
		return statusNotFound
	case f == nil:
		return statusBadArgument
	}
	data, ok := v.bytes(a[3], a[4])
	if !ok {
		return statusInvalidMemoryAccess
	}
	start, size, n := uint64(uint32(a[1])), uint64(uint32(a[2])), uint64(len(body))
	switch {
	case start == 0 && size == 0:
		f.body = append(append(make([]byte, 0, len(data)+len(body)), data...), body...)
	case start == 0 && size >= n:
		f.body = append([]byte(nil), data...)
	case start > 0 && start >= n:
		f.body = append(body, data...)
	default:
		return statusBadArgument
	}
	return statusOK
}
