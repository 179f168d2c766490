package identity

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/rulegate/rulegate/host/testcert"
)

// authority is a certificate authority that writes its certificates to dir.
type authority struct {
	*testcert.Authority
	dir string
}

// newAuthority returns an authority whose own certificate is DIR/NAME.pem.
func newAuthority(t testing.TB, dir, name string) *authority {
	t.Helper()
	a := &authority{testcert.New(t), dir}
	a.write(t, name+".pem", a.PEM())
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(a.file(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// service issues a certificate for clients and servers, valid for the URIs and for
// 127.0.0.1.
func (a *authority) service(t testing.TB, name string, uris ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name, Organization: []string{"Shop"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:    []string{name + ".shop.example", "other.shop.example"},
	}
	for _, u := range uris {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, parsed)
	}
	return a.show(t, template, name)
}

// show issues a certificate from a template and writes NAME.pem and NAME.key.
func (a *authority) show(t testing.TB, template *x509.Certificate, name string) tls.Certificate {
	t.Helper()
	cert, key := a.Pair(func(c *x509.Certificate) { *c = *template })
	a.write(t, name+".pem", cert)
	a.write(t, name+".key", key)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
