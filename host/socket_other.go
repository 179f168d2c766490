//go:build !unix

package main

import "net"

func listenSocket(path string, _ reach) (net.Listener, error) { return net.Listen("unix", path) }
