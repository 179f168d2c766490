package listen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// TLSFiles are the paths of a server's PEM files. Without Cert there is no TLS.
type TLSFiles struct {
	Cert, Key string
	ClientCA  string // certificates that must have signed a client's; "" asks for none
	// ClientOptional accepts clients without a certificate too.
	ClientOptional bool
}

// Paths lists the files.
func (f TLSFiles) Paths() (paths []string) {
	for _, p := range []string{f.Cert, f.Key, f.ClientCA} {
		if p != "" {
			paths = append(paths, p)
		}
	}
	return paths
}

// Check reports a file that is missing beside the others.
func (f TLSFiles) Check() error {
	switch {
	case f.Cert != "" && f.Key == "":
		return errors.New("--tls-cert: want --tls-key with it")
	case f.Key != "" && f.Cert == "":
		return errors.New("--tls-key: want --tls-cert with it")
	case f.ClientCA != "" && f.Cert == "":
		return errors.New("--client-ca: want --tls-cert and --tls-key with it")
	case f.ClientOptional && f.ClientCA == "":
		return errors.New("--client-optional: want --client-ca")
	}
	return nil
}

// Load reads the files. It returns nil without TLS.
func (f TLSFiles) Load() (*TLS, error) {
	if f.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if f.ClientCA != "" {
		text, err := os.ReadFile(f.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("--client-ca: %w", err)
		}
		cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !cfg.ClientCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--client-ca: no certificate in %s", f.ClientCA)
		}
		if f.ClientOptional {
			cfg.ClientAuth = tls.VerifyClientCertIfGiven
		}
	}
	t := &TLS{}
	t.current.Store(cfg)
	return t, nil
}

// TLS is a listener's certificate and client CAs, which Replace changes for new
// connections. A nil TLS is plain text.
type TLS struct{ current atomic.Pointer[tls.Config] }

// Replace uses the certificate and client CAs of fresh from now on. It changes
// neither plain text to TLS nor the other way round.
func (t *TLS) Replace(fresh *TLS) {
	if t != nil && fresh != nil {
		t.current.Store(fresh.current.Load())
	}
}

// NotAfter returns when the certificate ends; zero for plain text.
func (t *TLS) NotAfter() time.Time {
	if t == nil {
		return time.Time{}
	}
	chain := t.current.Load().Certificates[0]
	leaf := chain.Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(chain.Certificate[0]); err != nil {
			return time.Time{}
		}
	}
	return leaf.NotAfter
}

// Wrap adds TLS to a listener and to its URL.
func (t *TLS) Wrap(l net.Listener, url string) (net.Listener, string) {
	if t == nil {
		return l, url
	}
	outer := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.current.Load(), nil },
	}
	return tls.NewListener(l, outer), strings.Replace(url, "http://", "https://", 1)
}
