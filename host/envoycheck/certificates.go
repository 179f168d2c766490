package envoycheck

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"time"
)

// soon is how long before its end a certificate is a warning.
const soon = 14 * 24 * time.Hour

// checkCertificates reads all certificates of listeners, clusters and secrets.
func (c *checker) checkCertificates() {
	look := func(n *node) {
		if at := n.get("certificate_chain"); at != nil && at.object {
			c.checkChain(at, false)
		}
		if at := n.get("trusted_ca"); at != nil && at.object {
			c.checkChain(at, true)
		}
	}
	for _, n := range c.listeners {
		n.walk(look)
	}
	for _, n := range c.clusters {
		n.walk(look)
	}
	for _, n := range c.secrets {
		n.walk(look)
	}
}

// checkChain checks the certificates of a data source. Of authorities, one that is
// valid is enough.
func (c *checker) checkChain(source *node, authorities bool) {
	at, data, err := dataSource(source)
	if err != nil {
		c.add(at, "certificate-unread", Note, "the certificate cannot be read here: "+err.Error(), "run this check on Envoy's machine, in Envoy's folder")
		return
	}
	var worst *Finding
	valid := 0
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			continue
		}
		f := judge(cert, c.Now)
		if f == nil || f.Level == Warning {
			valid++
		}
		if f != nil && (worst == nil || f.Level == Error) {
			worst = f
		}
	}
	if worst != nil && !(authorities && valid > 0) {
		c.add(at, worst.Code, worst.Level, worst.Why, worst.Fix)
	}
}

func judge(cert *x509.Certificate, now time.Time) *Finding {
	name := cert.Subject.CommonName
	if name == "" && len(cert.DNSNames) > 0 {
		name = cert.DNSNames[0]
	}
	day := func(t time.Time) string { return t.UTC().Format(time.DateTime + " UTC") }
	switch {
	case now.After(cert.NotAfter):
		return &Finding{Code: "expired-certificate", Level: Error, Why: fmt.Sprintf("the certificate of %q has expired on %s: the other side refuses the connection", name, day(cert.NotAfter)), Fix: "a new certificate"}
	case now.Before(cert.NotBefore):
		return &Finding{Code: "expired-certificate", Level: Error, Why: fmt.Sprintf("the certificate of %q is not valid before %s", name, day(cert.NotBefore)), Fix: "look at the clocks, or take the certificate that is valid now"}
	case now.Add(soon).After(cert.NotAfter):
		return &Finding{Code: "expired-certificate", Level: Warning, Why: fmt.Sprintf("the certificate of %q expires on %s", name, day(cert.NotAfter)), Fix: "a new certificate"}
	}
	return nil
}

// dataSource reads a config.core.v3.DataSource.
func dataSource(n *node) (at *node, data []byte, err error) {
	if at = n.get("filename"); at != nil {
		data, err = readFile(at.text)
		return at, data, err
	}
	if at = n.get("inline_string"); at != nil {
		return at, []byte(at.text), nil
	}
	if at = n.get("inline_bytes"); at != nil {
		data, err = base64.StdEncoding.DecodeString(at.text)
		return at, data, err
	}
	if at = n.get("environment_variable"); at != nil {
		return at, []byte(os.Getenv(at.text)), nil
	}
	return n, nil, nil
}
