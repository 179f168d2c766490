//go:build !unix

package cli

import "net"

func listenSocket(path string, _ reach) (net.Listener, error) { return net.Listen("unix", path) }
