package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// ports are the ports of the parts, all on the loopback address.
type ports struct {
	gateway, admin, upstream, hook, companion int
}

// choosePorts returns five consecutive ports, starting with first, or free ports if
// first is 0. The error names every port that is taken and the part that needs it.
func choosePorts(first int, envoy bool) (ports, error) {
	if first == 0 {
		return freePorts()
	}
	if first < 1 || first+4 > 65535 {
		return ports{}, fmt.Errorf("port %d: want a first port from 1 to 65531", first)
	}
	at := ports{first, first + 1, first + 2, first + 3, first + 4}
	var taken []string
	for _, n := range []struct {
		port  int
		part  string
		envoy bool // needed only with Envoy
	}{
		{at.gateway, "the gateway", false},
		{at.admin, "Envoy's admin page", true},
		{at.upstream, "the upstream", false},
		{at.hook, "the webhook", false},
		{at.companion, "the companion", true},
	} {
		if n.envoy && !envoy {
			continue
		}
		listener, err := net.Listen("tcp", address(n.port))
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			taken = append(taken, fmt.Sprintf("port %d, for %s, is taken", n.port, n.part))
		case err != nil:
			taken = append(taken, fmt.Sprintf("port %d, for %s: %v", n.port, n.part, err))
		default:
			listener.Close()
		}
	}
	if taken != nil {
		return ports{}, fmt.Errorf("%s\nend the program that listens there, or choose other ports: make run PORT=20000", strings.Join(taken, "\n"))
	}
	return at, nil
}

// freePorts asks the system for five ports. It holds all until the last is chosen, so
// that they differ.
func freePorts() (ports, error) {
	var at ports
	for _, p := range []*int{&at.gateway, &at.admin, &at.upstream, &at.hook, &at.companion} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return ports{}, err
		}
		defer listener.Close()
		*p = listener.Addr().(*net.TCPAddr).Port
	}
	return at, nil
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

func url(port int) string { return "http://" + address(port) }
