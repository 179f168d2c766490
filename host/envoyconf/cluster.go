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
	// Cert and Key are the paths of PEM files that an https server is shown; ""
	// where it asks for none.
	Cert, Key string
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
	if t.tls {
		out = append(out, t.secured(c)...)
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

// secured is the TLS side of a cluster: the server's certificate must be for
// the URL's host, HTTP/2 is used where the server offers it (RFC 7301).
func (t target) secured(c Cluster) []field {
	ca := c.CA
	if ca == "" {
		ca = SystemCA
	}
	kind, name := "DNS", t.host
	tls := typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")
	if net.ParseIP(t.host) != nil {
		kind = "IP_ADDRESS"
	} else {
		tls = append(tls, field{"sni", name}) // RFC 6066, section 3: never an address
	}
	common := object{{"validation_context", object{
		{"trusted_ca", object{{"filename", ca}}},
		{"match_typed_subject_alt_names", list{object{
			{"san_type", kind}, {"matcher", object{{"exact", name}}},
		}}},
	}}}
	if c.Cert != "" {
		common = append(common, field{"tls_certificates", list{object{
			{"certificate_chain", object{{"filename", c.Cert}}}, {"private_key", object{{"filename", c.Key}}},
		}}})
	}
	tls = append(tls, field{"common_tls_context", common})
	return []field{
		{"transport_socket", object{{"name", "envoy.transport_sockets.tls"}, {"typed_config", tls}}},
		{"typed_extension_protocol_options", object{{
			"envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			typed("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", field{"auto_config", object{}}),
		}}},
	}
}

// seconds is a google.protobuf.Duration in JSON.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}
