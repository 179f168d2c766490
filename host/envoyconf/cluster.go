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
	// URL is http://host[:port], https://host[:port] or unix:/path. Envoy keeps
	// resolving a host name (STRICT_DNS).
	URL string
	// CA is the path of a PEM file with the CA certificates of an https server;
	// "" is SystemCA.
	CA string
	// Cert and Key are the paths of PEM files with Envoy's own certificate, for
	// mutual TLS with an https server; "" is none.
	Cert, Key string
	// ID is a URI that the certificate of an https server must contain, such as
	// spiffe://shop.example/orders; "": it must contain the URL's host.
	ID string
	// Connect is the connect timeout; 0 is 2 s.
	Connect time.Duration
}

// SystemCA is the file of CA certificates of Debian, Ubuntu, Alpine and Envoy's
// image. Envoy has no default: it needs a path.
const SystemCA = "/etc/ssl/certs/ca-certificates.crt"

// target is a parsed URL.
type target struct {
	host string // "" for a Unix socket
	port int
	path string // of a Unix socket
	tls  bool
}

// CheckURL reports whether Envoy can use the URL of a server.
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
	// The size of a read from the upstream. It must be less than BufferLimit adds
	// to the policy's limits: Envoy answers 500, without calling the module, if one
	// read exceeds the listener's limit, where the module would answer 502.
	out = append(out, field{"per_connection_buffer_limit_bytes", 32 << 10})
	if t.discovery() == "STRICT_DNS" {
		// ALL: localhost may resolve to ::1 while the server listens on 127.0.0.1.
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

// seconds formats a google.protobuf.Duration (JSON).
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}
