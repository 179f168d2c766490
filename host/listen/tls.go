package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
)

// tlsFiles are PEM files; all "" for no TLS.
type tlsFiles struct{ cert, key, clientCA string }

func (f *tlsFiles) check() error {
	switch {
	case f.cert != "" && f.key == "":
		return usagef("--tls-cert: want --tls-key with it")
	case f.key != "" && f.cert == "":
		return usagef("--tls-key: want --tls-cert with it")
	case f.clientCA != "" && f.cert == "":
		return usagef("--client-ca: want --tls-cert and --tls-key with it")
	}
	return nil
}

// load reads the files; without TLS it gives nil.
func (f *tlsFiles) load() (*certificates, error) {
	if f.cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if f.clientCA != "" {
		text, err := os.ReadFile(f.clientCA)
		if err != nil {
			return nil, fmt.Errorf("--client-ca: %w", err)
		}
		cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !cfg.ClientCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--client-ca: no certificate in %s", f.clientCA)
		}
	}
	c := &certificates{}
	c.current.Store(cfg)
	return c, nil
}

// certificates are what the listener shows and asks for; new ones hold for new
// connections.
type certificates struct{ current atomic.Pointer[tls.Config] }

// take makes c what fresh is.
func (c *certificates) take(fresh *certificates) {
	if c != nil && fresh != nil {
		c.current.Store(fresh.current.Load())
	}
}

// listener adds TLS to l, if there is any, and to the URL.
func (c *certificates) listener(l net.Listener, url string) (net.Listener, string) {
	if c == nil {
		return l, url
	}
	outer := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current.Load(), nil },
	}
	return tls.NewListener(l, outer), strings.Replace(url, "http://", "https://", 1)
}
