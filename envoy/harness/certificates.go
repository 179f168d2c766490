package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/rules/value"
)

// certificates are those of the cases: the proxy's, and the clients' by their names.
type certificates struct {
	pool    *x509.CertPool
	ca      []byte // PEM
	proxy   tls.Certificate
	clients map[string]tls.Certificate
}

// testCertificates issues the certificates in each run.
var testCertificates = sync.OnceValue(func() *certificates {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	serial := int64(0)
	issue := func(c, by *x509.Certificate, with *ecdsa.PrivateKey) tls.Certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		if by == nil {
			by, with = c, key
		}
		serial++
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(serial), time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with)
		must(err)
		leaf, err := x509.ParseCertificate(der)
		must(err)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	}
	ca := issue(&x509.Certificate{Subject: pkix.Name{CommonName: "authority of the cases"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	out := &certificates{pool: x509.NewCertPool(), ca: pemOf("CERTIFICATE", ca.Certificate[0]), clients: map[string]tls.Certificate{}}
	out.pool.AddCert(ca.Leaf)
	service := func(name string) tls.Certificate {
		return issue(&x509.Certificate{
			Subject:  pkix.Name{CommonName: name},
			DNSNames: []string{name + ".shop.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			URIs:        []*url.URL{{Scheme: "spiffe", Host: "shop.example", Path: "/" + name}},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		}, ca.Leaf, ca.PrivateKey.(*ecdsa.PrivateKey))
	}
	out.proxy = service("gateway")
	for _, name := range []string{"web", "billing"} {
		out.clients[name] = service(name)
	}
	return out
})

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// sumOf returns the SHA-256 of a client's certificate.
func sumOf(client string) (sum [sha256.Size]byte, ok bool) {
	c, ok := testCertificates().clients[client]
	if ok {
		sum = sha256.Sum256(c.Leaf.Raw)
	}
	return sum, ok
}

// UsesTLS reports whether the case's requests go over TLS: one of them has a client
// certificate.
func (c *Case) UsesTLS() bool {
	for _, r := range c.Requests {
		if r.Certificate != "" {
			return true
		}
	}
	return false
}

// Peer returns args.peer as a proxy shows it for the request.
func (r *Request) Peer() value.Value {
	c, ok := testCertificates().clients[r.Certificate]
	if !ok {
		return value.Value{}
	}
	sum := sha256.Sum256(c.Leaf.Raw)
	text := func(key, text string) value.Member { return value.Member{Key: key, Value: value.Str(text)} }
	return value.Obj(text("uriSan", c.Leaf.URIs[0].String()), text("dnsSan", c.Leaf.DNSNames[0]),
		text("subject", c.Leaf.Subject.String()), text("sha256", hex.EncodeToString(sum[:])))
}

// clientTLS is the configuration of the client that sends the request.
func (r *Request) clientTLS() *tls.Config {
	all := testCertificates()
	cfg := &tls.Config{RootCAs: all.pool, ServerName: "gateway.shop.example", NextProtos: []string{"http/1.1"}}
	if c, ok := all.clients[r.Certificate]; ok {
		cfg.Certificates = []tls.Certificate{c}
	}
	return cfg
}

// proxyTLS is the configuration of a proxy that asks clients for a certificate and
// takes those without one too.
func proxyTLS() *tls.Config {
	all := testCertificates()
	return &tls.Config{
		Certificates: []tls.Certificate{all.proxy}, NextProtos: []string{"http/1.1"},
		ClientCAs: all.pool, ClientAuth: tls.VerifyClientCertIfGiven,
	}
}

// envoyTLS is proxyTLS for Envoy, which reads files.
func envoyTLS(t testing.TB) *envoyconf.ServerTLS {
	t.Helper()
	all, dir := testCertificates(), t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(all.proxy.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return &envoyconf.ServerTLS{
		Cert: file("gateway.pem", pemOf("CERTIFICATE", all.proxy.Certificate[0])), Key: file("gateway.key", pemOf("PRIVATE KEY", key)),
		ClientCA: file("ca.pem", all.ca), ClientOptional: true,
	}
}
