package cli

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rulegate/rulegate/host/testcert"
)

// writeCertificates writes ca.pem, and a certificate with its key for each name.
func writeCertificates(t *testing.T, ts *testscript.TestScript, names []string) {
	ca := testcert.New(t)
	write := func(name, text string) { ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600)) }
	write("ca.pem", ca.PEM())
	for _, name := range names {
		cert, key := ca.Pair(nil)
		write(name+".pem", cert)
		write(name+".key", key)
		pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
		ts.Check(err)
		sum := sha256.Sum256(pair.Certificate[0])
		ts.Setenv("X5T_"+strings.ToUpper(name), base64.RawURLEncoding.EncodeToString(sum[:]))
	}
}

// secureClient trusts ca.pem, and shows the certificate of the name, if there is one.
func secureClient(ts *testscript.TestScript, name string) *http.Client {
	cfg := &tls.Config{RootCAs: x509.NewCertPool()}
	cfg.RootCAs.AppendCertsFromPEM([]byte(ts.ReadFile("ca.pem")))
	if name != "" {
		pair, err := tls.LoadX509KeyPair(ts.MkAbs(name+".pem"), ts.MkAbs(name+".key"))
		ts.Check(err)
		cfg.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
}
