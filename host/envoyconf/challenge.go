package envoyconf

import (
	"errors"
	"fmt"
	"slices"
)

// Challenge is a plain listener beside one with TLS, on which an ACME server looks for
// the answer to its challenge (RFC 8555, section 8.3). The module decides there by the
// same policy. Requests for a challenge go to the ACME client, all others that the
// policy lets through are redirected to the listener with TLS.
type Challenge struct {
	Address  string // host:port or unix:/path; the ACME server asks port 80
	Upstream string // the name of the ACME client's cluster
}

const challengePath = "/.well-known/acme-challenge/"

// challenge is the plain listener of l.
func (c *Config) challenge(l Listener, filter object) (object, error) {
	if l.TLS == nil {
		return nil, errors.New("want a certificate on the listener itself")
	}
	addr, err := address(l.Challenge.Address)
	if err != nil {
		return nil, err
	}
	redirect := object{{"https_redirect", true}, {"response_code", "PERMANENT_REDIRECT"}}
	if _, port, err := hostPort(l.Address); err == nil && port != 443 && port != 0 {
		redirect = append(redirect, field{"port_redirect", port})
	}
	plain := l
	plain.Name += "-acme"
	plain.Upstream = l.Challenge.Upstream
	routes := plain.add(list{object{{"match", object{{"prefix", "/"}}}, {"redirect", redirect}}}, object{{"prefix", challengePath}}, settings{})
	slices.Reverse(routes)
	return plain.object(addr, object{{"filters", c.connection(plain, filter, routes)}}), nil
}

// check reports an upstream that is not among the clusters.
func (h *Challenge) check(clusters map[string]bool) error {
	if h != nil && !clusters[h.Upstream] {
		return fmt.Errorf("challenge: no cluster %q", h.Upstream)
	}
	return nil
}
