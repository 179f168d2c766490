package envoyconf

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// CheckAddress reports whether Envoy can listen on an address.
func CheckAddress(s string) error {
	_, err := address(s)
	return err
}

// address converts `host:port` or `unix:/path` to Envoy's address. Envoy does not
// resolve names here, so the host must be an IP address, localhost, or empty, which
// is every IPv4 address.
func address(s string) (object, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("address %q: want unix: and an absolute path", s)
		}
		return object{{"pipe", object{{"path", filepath.Clean(path)}}}}, nil
	}
	host, port, err := hostPort(s)
	if err != nil {
		return nil, err
	}
	switch {
	case host == "":
		host = "0.0.0.0"
	case host == "localhost":
		host = "127.0.0.1"
	case net.ParseIP(host) == nil:
		return nil, fmt.Errorf("address %q: want an IP address before the port, found %q", s, host)
	}
	return socket(host, port), nil
}

func hostPort(s string) (string, int, error) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: want host:port or unix:/path", s)
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("address %q: want a port from 0 to 65535, found %q", s, text)
	}
	return host, port, nil
}

func socket(host string, port int) object {
	return object{{"socket_address", object{{"address", host}, {"port_value", port}}}}
}
