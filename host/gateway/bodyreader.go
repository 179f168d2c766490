package gateway

import (
	"io"
	"net/http"
)

// pieceSize is how much of a body is read at once, in bytes.
const pieceSize = 32 << 10

// readBody reads a body in pieces and sends them to out, until the body ends or
// stop is closed. It calls trailers after the body's end. With a length above 0
// it does not wait for the end once it has read so many bytes.
func (g *Gateway) readBody(r io.Reader, out chan<- chunk, stop <-chan struct{}, length int64, trailers func() pairs) {
	piece := g.pieces.Get().(*[pieceSize]byte)
	defer g.pieces.Put(piece)
	buf := piece[:]
	var seen int64
	for {
		n, err := r.Read(buf)
		if n > 0 {
			seen += int64(n)
			c := chunk{data: append([]byte(nil), buf[:n]...)}
			c.end = length > 0 && seen == length
			if !sendChunk(out, c, stop) || c.end {
				return
			}
		}
		if err == io.EOF {
			sendChunk(out, chunk{end: true, trailers: trailers()}, stop)
			return
		}
		if err != nil {
			sendChunk(out, chunk{err: err}, stop)
			return
		}
	}
}

func sendChunk(out chan<- chunk, c chunk, stop <-chan struct{}) bool {
	select {
	case out <- c:
		return true
	case <-stop:
		return false
	}
}

// upstreamBody is the body of the request to the upstream: the stream's loop
// puts pieces in, the transport reads them.
type upstreamBody struct {
	in       chan []byte     // closed at the end
	stop     <-chan struct{} // closed when the request is abandoned
	rest     []byte          // of the piece that is being read
	trailer  http.Header     // the request's; filled at the end
	trailers pairs           // go into trailer; set before in is closed
}

func (b *upstreamBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		select {
		case piece, ok := <-b.in:
			if !ok {
				for _, kv := range b.trailers {
					b.trailer.Add(kv[0], kv[1])
				}
				b.trailers = nil
				return 0, io.EOF
			}
			b.rest = piece
		case <-b.stop:
			return 0, io.ErrUnexpectedEOF
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *upstreamBody) Close() error { return nil }
