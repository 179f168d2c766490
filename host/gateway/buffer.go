package gateway

import (
	"io"
	"net/http"
)

type bufferKind uint32

const (
	bufferRequestBody  bufferKind = 0
	bufferResponseBody bufferKind = 1
	bufferCallBody     bufferKind = 4
	bufferVMConfig     bufferKind = 6
	bufferPluginConfig bufferKind = 7
)

// buffer finds what a module may read now; flow is set for what it may change.
func (v *vm) buffer(kind bufferKind) (data []byte, f *flow, ok bool) {
	switch kind {
	case bufferVMConfig:
		return v.vmConfig, nil, v.vmConfig != nil
	case bufferPluginConfig:
		return v.config, nil, v.config != nil
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
		return f.body, f, f.openBody
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

// hostSetBuffer puts bytes before the body (start and size 0), in its place
// (start 0, size all of it or more) or after it (start at its end or later);
// Envoy offers nothing else.
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

// bodyPiece is how much of a body is read at once, in bytes.
const bodyPiece = 32 << 10

// pump reads a body in pieces until it ends or stop is closed. trailers is
// called once the body has ended. A length of 0 is not known beforehand.
func (g *Gateway) pump(r io.Reader, out chan<- chunk, stop <-chan struct{}, length int64, trailers func() pairs) {
	piece := g.pieces.Get().(*[bodyPiece]byte)
	defer g.pieces.Put(piece)
	buf := piece[:]
	var seen int64
	for {
		n, err := r.Read(buf)
		if n > 0 {
			seen += int64(n)
			c := chunk{data: append([]byte(nil), buf[:n]...)}
			if length > 0 && seen == length { // the end is known without waiting for it
				c.end = true
			}
			if !send(out, c, stop) || c.end {
				return
			}
		}
		if err == io.EOF {
			send(out, chunk{end: true, trailers: trailers()}, stop)
			return
		}
		if err != nil {
			send(out, chunk{err: err}, stop)
			return
		}
	}
}

func send(out chan<- chunk, c chunk, stop <-chan struct{}) bool {
	select {
	case out <- c:
		return true
	case <-stop:
		return false
	}
}

// feed is the body of the request to the upstream: the stream's loop puts
// pieces in, the transport takes them out.
type feed struct {
	in      chan []byte // closed at the end
	stop    <-chan struct{}
	rest    []byte
	trailer http.Header // the request's, filled at the end
	last    pairs       // what it is filled with; set before in is closed
}

func (f *feed) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		select {
		case b, ok := <-f.in:
			if !ok {
				for _, kv := range f.last {
					f.trailer.Add(kv[0], kv[1])
				}
				f.last = nil
				return 0, io.EOF
			}
			f.rest = b
		case <-f.stop:
			return 0, io.ErrUnexpectedEOF
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func (f *feed) Close() error { return nil }
