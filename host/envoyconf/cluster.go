package envoyconf

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Cluster is a server that Envoy sends requests to.
type Cluster struct {
	Name string
	// URL is http://host[:port], https://host[:port] or unix:/path. A host
	// name is looked up in DNS again and again (STRICT_DNS).
	URL string
	// CA is the path of a PEM file with the certificates that an https
	// server's is checked against; "" is SystemCA.
	CA string
	// Cert and Key are the paths of PEM files: what Envoy shows an https
	// server that asks who it is (mutual TLS); "" is nothing.
	Cert, Key string
	// ID is the URI that the certificate of an https server must be for, such
	// as spiffe://shop.example/orders; "": it must be for the URL's host.
	ID string
	// Connect limits the time for a connection; 0 is 2 s.
	Connect time.Duration
}

// SystemCA is where Debian, Ubuntu, Alpine and Envoy's own image keep the
// system's certificates. Envoy has no notion of the system's, it wants a path.
const SystemCA = "/etc/ssl/certs/ca-certificates.crt"

type target struct {
	host string // "" for a Unix socket
	port int
	path string // of a Unix socket
	tls  bool
}

// CheckURL says what is wrong with a server's URL, nil if nothing is.
func CheckURL(s string) error {
	_, err := parseTarget(s)
	return err
}

func parseTarget(s string) (target, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return target{}, fmt.Errorf("url %q: want unix: and an absolute path", s)
		}
		return target{path: filepath.Clean(path)}, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return target{}, fmt.Errorf("url %q: want http://host:port or https://host:port", s)
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return target{}, fmt.Errorf("url %q: want nothing but a scheme, a host and a port", s)
	}
	t := target{host: u.Hostname(), port: 80, tls: u.Scheme == "https"}
	if t.tls {
		t.port = 443
	}
	if p := u.Port(); p != "" {
		if t.port, err = strconv.Atoi(p); err != nil || t.port < 1 || t.port > 65535 {
			return target{}, fmt.Errorf("url %q: want a port from 1 to 65535, found %q", s, p)
		}
	}
	return t, nil
}

func (c Cluster) object() (object, error) {
	t, err := parseTarget(c.URL)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	if c.Connect == 0 {
		c.Connect = 2 * time.Second
	}
	out := object{
		{"name", c.Name},
		{"type", t.discovery()},
		{"connect_timeout", seconds(c.Connect)},
	}
	// How much of a response is read at once. It has to be less than BufferLimit
	// adds to the policy's limits: the module is not told of a piece that goes
	// beyond Envoy's limit, and Envoy would answer 500 where the module answers 502.
	out = append(out, field{"per_connection_buffer_limit_bytes", 32 << 10})
	if t.discovery() == "STRICT_DNS" {
		// ALL: localhost may be ::1 first while the server listens on 127.0.0.1.
		out = append(out, field{"dns_lookup_family", "ALL"})
	}
	out = append(out,
		field{"circuit_breakers", object{{"thresholds", list{object{
			{"max_connections", 1024}, {"max_pending_requests", 1024}, {"max_requests", 4096}, {"max_retries", 3},
		}}}}},
		field{"load_assignment", object{
			{"cluster_name", c.Name},
			{"endpoints", list{object{{"lb_endpoints", list{object{{"endpoint", object{{"address", t.address()}}}}}}}}},
		}},
	)
	if err := c.checkTLS(t); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	if t.tls {
		out = append(out, c.secured(t)...)
	}
	return out, nil
}

func (t target) discovery() string {
	if t.host == "" || net.ParseIP(t.host) != nil {
		return "STATIC"
	}
	return "STRICT_DNS"
}

func (t target) address() object {
	if t.host == "" {
		return object{{"pipe", object{{"path", t.path}}}}
	}
	return socket(t.host, t.port)
}

// seconds is a google.protobuf.Duration in JSON.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}
