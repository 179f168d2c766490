package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// TLS holds PEM texts; "" means the default.
type TLS struct {
	CA        string // certificates that a host's certificate is verified against; default: the system's
	Cert, Key string // the client certificate; default: none
}

// config returns the TLS configuration for all hosts. Its errors quote nothing of
// the texts, one of which is a private key.
func (t TLS) config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	var faults []error
	if t.CA != "" {
		cfg.RootCAs = x509.NewCertPool()
		if err := addCertificates(cfg.RootCAs, t.CA); err != nil {
			faults = append(faults, fmt.Errorf("webhooks.ca: %w", err))
		}
	}
	if t.Cert != "" || t.Key != "" {
		pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key))
		if err != nil {
			faults = append(faults, errors.New("webhooks.cert, webhooks.key: want a certificate and its key, both PEM"))
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, errors.Join(faults...)
}

// addCertificates refuses a text with any other PEM block: a skipped block would be
// noticed only when a host shows a certificate that it should have verified.
func addCertificates(pool *x509.CertPool, text string) error {
	rest, n := []byte(text), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return fmt.Errorf("PEM block %d is not a certificate", n+1)
		}
		pool.AddCert(cert)
		n++
	}
	if n == 0 {
		return errors.New("want certificates in PEM, found none")
	}
	return nil
}
