//go:build !unix

package listen

import "net"

func openSocket(path string, _ Access) (net.Listener, error) { return net.Listen("unix", path) }
