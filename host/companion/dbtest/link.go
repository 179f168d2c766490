package dbtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Link is a TCP proxy between a companion and its database. Tests make it fail.
type Link struct {
	Addr   string
	target string
	l      net.Listener

	mu    sync.Mutex
	held  chan struct{} // closed by Release; nil: bytes pass
	shut  bool          // new connections are closed at once
	pairs map[net.Conn]net.Conn
	moved int // bytes that came from the companion
}

// NewLink returns a link to an address. It ends with the test.
func NewLink(t testing.TB, target string) *Link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &Link{Addr: l.Addr().String(), target: target, l: l, pairs: map[net.Conn]net.Conn{}}
	go k.serve()
	t.Cleanup(func() {
		l.Close()
		k.Release()
		k.Cut()
	})
	return k
}

func (k *Link) serve() {
	for {
		in, err := k.l.Accept()
		if err != nil {
			return
		}
		go k.join(in)
	}
}

func (k *Link) join(in net.Conn) {
	defer in.Close()
	if k.isShut() {
		return
	}
	out, err := net.Dial("tcp", k.target)
	if err != nil {
		return
	}
	defer out.Close()
	k.mu.Lock()
	k.pairs[in] = out
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.pairs, in)
		k.mu.Unlock()
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.copy(out, in, true)
		out.Close() // ends the other copy
		in.Close()
	}()
	k.copy(in, out, false)
	in.Close()
	out.Close()
	<-done
}

func (k *Link) copy(to io.Writer, from io.Reader, asked bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			k.wait(n, asked)
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (k *Link) wait(n int, asked bool) {
	k.mu.Lock()
	if asked {
		k.moved += n
	}
	held := k.held
	k.mu.Unlock()
	if held != nil {
		<-held
	}
}

func (k *Link) isShut() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.shut
}

// Hold stops all bytes, in both directions, until Release.
func (k *Link) Hold() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = make(chan struct{})
	}
}

// Release ends Hold and Shut.
func (k *Link) Release() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held != nil {
		close(k.held)
	}
	k.held, k.shut = nil, false
}

// Shut closes new connections at once, until Release, like a server with too many
// connections.
func (k *Link) Shut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shut = true
}

// Cut breaks all connections.
func (k *Link) Cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for in, out := range k.pairs {
		in.Close()
		out.Close()
	}
}

// Open returns the number of connections.
func (k *Link) Open() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.pairs)
}

// Asked returns the number of bytes that came from the companion.
func (k *Link) Asked() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.moved
}
