//go:build !js

package policytest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// request returns the request of a case as a client's connection brings it.
func (m *Module) request(c *Case) (*http.Request, error) {
	q := &c.request
	fields, err := q.Fields(m.suite.Policy, m.trusted)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: q.Method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody,
		RemoteAddr: net.JoinHostPort(q.IP, "50000"), ContentLength: int64(len(q.Body)),
	}
	for _, f := range fields {
		switch f[0] {
		case ":path":
			r.RequestURI = f[1]
		case ":authority":
			r.Host = f[1]
		case ":scheme":
			if f[1] == "https" || q.Peer.Kind() == value.Object {
				r.TLS = connection(q.Peer)
			}
		case ":method":
		default:
			r.Header.Add(f[0], f[1])
		}
	}
	if q.Body != "" {
		r.Body = io.NopCloser(strings.NewReader(q.Body))
	}
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		r.URL = &url.URL{Path: "/"} // the gateway reads RequestURI, and refuses it
	}
	return r, nil
}

// connection is a TLS connection whose client has a certificate, if there is a peer.
func connection(peer value.Value) *tls.ConnectionState {
	state := &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
	if peer.Kind() != value.Object {
		return state
	}
	cert := &x509.Certificate{}
	if text, ok := peer.Key("uriSan").Text(); ok {
		if u, err := url.Parse(text); err == nil {
			cert.URIs = []*url.URL{u}
		}
	}
	if text, ok := peer.Key("dnsSan").Text(); ok {
		cert.DNSNames = []string{text}
	}
	state.PeerCertificates = []*x509.Certificate{cert}
	state.VerifiedChains = [][]*x509.Certificate{{cert}}
	return state
}
