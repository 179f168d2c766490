package envoyconf

import (
	"errors"
	"fmt"
	"net"
	"net/url"
)

// ServerTLS is the TLS of a listener: its certificate, and the CAs of its clients.
// The strings are paths of PEM files, which Envoy reads when it starts.
type ServerTLS struct {
	Cert, Key string
	// Secret is the path of a file that names Cert and Key, from which Envoy takes them
	// by secret discovery (SDS): it then reads them again when one is replaced by a
	// rename. Secret returns its content. "": Envoy reads them when it starts.
	Secret string
	// ClientCA verifies the clients' certificates. If it is "", Envoy asks for
	// none and args.peer is missing.
	ClientCA string
	// ClientOptional accepts clients without a certificate too; args.peer is
	// missing for them. A certificate that ClientCA did not sign is still refused.
	ClientOptional bool
}

var errPair = errors.New("want both a certificate and its key")

// Check reports a missing file.
func (s *ServerTLS) Check() error {
	switch {
	case s == nil || s.Cert != "" && s.Key != "" && (s.ClientCA != "" || !s.ClientOptional):
		return nil
	case s.Cert == "" || s.Key == "":
		return errPair
	}
	return errors.New("optional client certificates: want the CA certificates of clients")
}

// socket is the TLS of the listener: version 1.2 or newer, Envoy's default, and
// HTTP/2 with clients that offer it (RFC 7301).
func (s *ServerTLS) socket() field {
	common := object{
		{"alpn_protocols", list{"h2", "http/1.1"}},
		s.certificate(),
	}
	context := typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext")
	if s.ClientCA != "" {
		// The module trusts args.peer, so Envoy must verify the chain: without
		// trusted_ca it would accept self-signed certificates.
		common = append(common, field{"validation_context", object{
			{"trusted_ca", object{{"filename", s.ClientCA}}},
			{"trust_chain_verification", "VERIFY_TRUST_CHAIN"},
		}})
		context = append(context, field{"require_client_certificate", !s.ClientOptional})
	}
	return tlsSocket(append(context, field{"common_tls_context", common}))
}

// checkTLS refuses TLS settings that would have no effect.
func (c Cluster) checkTLS(t target) error {
	switch {
	case !t.tls && c.CA+c.Cert+c.Key+c.ID != "":
		return fmt.Errorf("certificates are for an https URL, found %q", c.URL)
	case (c.Cert == "") != (c.Key == ""):
		return errPair
	case c.ID != "":
		return CheckID(c.ID)
	}
	return nil
}

// secured is the TLS of a cluster. The server's certificate must be for the
// cluster's ID or, without one, for the URL's host. Envoy uses HTTP/2 with servers
// that offer it.
func (c Cluster) secured(t target) []field {
	ca := c.CA
	if ca == "" {
		ca = SystemCA
	}
	context := typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")
	kind, name := "DNS", t.host
	if net.ParseIP(t.host) != nil {
		kind = "IP_ADDRESS"
	} else {
		context = append(context, field{"sni", name}) // RFC 6066, section 3: never an address
	}
	if c.ID != "" {
		kind, name = "URI", c.ID
	}
	var common object
	if c.Cert != "" {
		common = append(common, field{"tls_certificates", list{pair(c.Cert, c.Key)}})
	}
	common = append(common, field{"validation_context", object{
		{"trusted_ca", object{{"filename", ca}}},
		{"match_typed_subject_alt_names", list{object{
			{"san_type", kind}, {"matcher", object{{"exact", name}}},
		}}},
	}})
	return []field{
		tlsSocket(append(context, field{"common_tls_context", common})),
		{"typed_extension_protocol_options", object{{
			"envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			typed("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", field{"auto_config", object{}}),
		}}},
	}
}

// CheckID reports whether an ID is a URI that a certificate can be for.
func CheckID(id string) error {
	if u, err := url.Parse(id); err != nil || u.Scheme == "" || u.Host == "" {
		return fmt.Errorf("want a URI such as spiffe://shop.example/orders, found %q", id)
	}
	return nil
}

func pair(cert, key string) object {
	return object{{"certificate_chain", object{{"filename", cert}}}, {"private_key", object{{"filename", key}}}}
}

func tlsSocket(context object) field {
	return field{"transport_socket", object{{"name", "envoy.transport_sockets.tls"}, {"typed_config", context}}}
}
