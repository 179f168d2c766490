// Package listen opens the addresses that rulegate serves on: TCP and Unix
// sockets, with or without TLS.
package listen

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
)

// Access says who may connect to a Unix socket.
type Access uint8

const (
	Private Access = iota // only the user of this process
	Shared                // every user that the umask allows
)

// Address is an address to listen on. The zero Address is none.
type Address struct {
	text    string // as the user wrote it
	network string // of net.Listen
	address string // of net.Listen
}

// ParseAddress reads `host:port` or `unix:/path`.
func ParseAddress(text string) (Address, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if !filepath.IsAbs(path) {
			return Address{}, fmt.Errorf("address %q: want unix: and an absolute path", text)
		}
		return Address{text, "unix", filepath.Clean(path)}, nil
	}
	if _, _, err := net.SplitHostPort(text); err != nil {
		return Address{}, fmt.Errorf("address %q: want host:port or unix:/path", text)
	}
	return Address{text, "tcp", text}, nil
}

// Open listens on the address. url is the URL of clients: `http://host:port`
// with the port that the system chose, or `unix:/path`.
func (a Address) Open(access Access) (l net.Listener, url string, err error) {
	if a.network == "unix" {
		l, err = openSocket(a.address, access)
	} else {
		l, err = net.Listen(a.network, a.address)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, "", fmt.Errorf("%s: address already in use: stop the process that listens there, or choose another address", a.text)
	case err != nil:
		return nil, "", fmt.Errorf("%s: %w", a.text, err)
	case a.network == "unix":
		return l, "unix:" + a.address, nil
	}
	return l, "http://" + l.Addr().String(), nil
}
