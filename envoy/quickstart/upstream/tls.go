package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// tlsFiles are paths of PEM files.
type tlsFiles struct{ cert, key, ca string }

// config returns nil if there is no certificate. With a ca, clients need a
// certificate that it signed.
func (f tlsFiles) config() (*tls.Config, error) {
	if f.cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}}
	if f.ca == "" {
		return c, nil
	}
	text, err := os.ReadFile(f.ca)
	if err != nil {
		return nil, err
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: want certificates in PEM", f.ca)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}
