//go:build unix

package listen

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// openSocket opens a Unix socket. It replaces a socket whose process has ended;
// it never replaces one that accepts connections, nor a file of another kind.
func openSocket(path string, access Access) (net.Listener, error) {
	l, err := bind(path, access)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	// The lock keeps two processes that start at once from removing each
	// other's new socket.
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
	return bind(path, access)
}

// stale reports whether path is a socket that refuses connections.
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

func bind(path string, access Access) (net.Listener, error) {
	var lc net.ListenConfig
	if access == Private {
		// Linux creates the file with the socket's own mode, so the file is
		// private from the start.
		lc.Control = func(_, _ string, c syscall.RawConn) error {
			var failed error
			if err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) }); err != nil {
				return err
			}
			return failed
		}
	}
	l, err := lc.Listen(context.Background(), "unix", path)
	if err == nil && access == Private {
		if err := os.Chmod(path, 0o600); err != nil { // for systems other than Linux
			l.Close()
			return nil, err
		}
	}
	return l, err
}
