//go:build unix

package cli

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// listenSocket opens a Unix socket. One that is left of a process that is gone is
// replaced, one that is answered is not, and what is no socket never.
func listenSocket(path string, who reach) (net.Listener, error) {
	l, err := bind(path, who)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	// Two that start at once must not take each other for gone.
	dir, openErr := os.Open(filepath.Dir(path))
	if openErr != nil {
		return nil, err
	}
	defer dir.Close()
	if lockErr := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); lockErr != nil {
		return nil, err
	}
	if !stale(path) {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return bind(path, who)
}

// stale says whether path is a socket that nobody answers.
func stale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func bind(path string, who reach) (net.Listener, error) {
	var lc net.ListenConfig
	if who == private {
		// Before the name is there: Linux makes it with the socket's own mode.
		lc.Control = func(_, _ string, c syscall.RawConn) error {
			var failed error
			if err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) }); err != nil {
				return err
			}
			return failed
		}
	}
	l, err := lc.Listen(context.Background(), "unix", path)
	if err == nil && who == private {
		if err := os.Chmod(path, 0o600); err != nil { // other systems
			l.Close()
			return nil, err
		}
	}
	return l, err
}
