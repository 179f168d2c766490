package envoyconf

import (
	"strings"
	"testing"
)

// text returns the configuration as JSON without white space, or the error.
func text(t *testing.T, c Config) string {
	t.Helper()
	b, err := Build(c)
	if err != nil {
		return err.Error()
	}
	out, err := b.root.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "\n", "")
}

const (
	ownPair   = `"tls_certificates":[{"certificate_chain":{"filename":"gw.pem"},"private_key":{"filename":"gw.key"}}]`
	verifying = `"validation_context":{"trusted_ca":{"filename":"ca.pem"},"trust_chain_verification":"VERIFY_TRUST_CHAIN"}`
)

func TestListenerTLS(t *testing.T) {
	for name, c := range map[string]struct {
		tls           *ServerTLS
		want, without []string
	}{
		"plain":    {nil, nil, []string{"DownstreamTlsContext"}},
		"server":   {&ServerTLS{Cert: "gw.pem", Key: "gw.key"}, []string{ownPair, `"alpn_protocols":["h2","http/1.1"]`}, []string{"require_client_certificate", "trusted_ca"}},
		"mutual":   {&ServerTLS{Cert: "gw.pem", Key: "gw.key", ClientCA: "ca.pem"}, []string{ownPair, verifying, `"require_client_certificate":true`}, nil},
		"optional": {&ServerTLS{Cert: "gw.pem", Key: "gw.key", ClientCA: "ca.pem", ClientOptional: true}, []string{verifying, `"require_client_certificate":false`}, nil},

		"no key":            {&ServerTLS{Cert: "gw.pem"}, []string{"listener rulegate: tls: want both a certificate and its key"}, nil},
		"no certificate":    {&ServerTLS{ClientCA: "ca.pem"}, []string{"want both a certificate and its key"}, nil},
		"nothing to check":  {&ServerTLS{Cert: "gw.pem", Key: "gw.key", ClientOptional: true}, []string{"want the CA certificates of clients"}, nil},
		"nothing is said":   {&ServerTLS{}, []string{"want both a certificate and its key"}, nil},
		"never unverified":  {&ServerTLS{Cert: "gw.pem", Key: "gw.key", ClientCA: "ca.pem"}, nil, []string{"ACCEPT_UNTRUSTED"}},
		"never by the name": {&ServerTLS{Cert: "gw.pem", Key: "gw.key"}, nil, []string{"VERIFY"}},
	} {
		conf := sample()
		conf.Clusters[0].URL = "http://127.0.0.1:8080"
		conf.Listeners[0].TLS = c.tls
		check(t, name, text(t, conf), c.want, c.without)
	}
}

func TestClusterTLS(t *testing.T) {
	for name, c := range map[string]struct {
		cluster       Cluster
		want, without []string
	}{
		"by host": {Cluster{URL: "https://shop.example"}, []string{`"san_type":"DNS","matcher":{"exact":"shop.example"}`, SystemCA}, []string{"tls_certificates"}},
		"by id": {
			Cluster{URL: "https://shop.example", CA: "ca.pem", Cert: "gw.pem", Key: "gw.key", ID: "spiffe://shop.example/orders"},
			[]string{ownPair, `"san_type":"URI","matcher":{"exact":"spiffe://shop.example/orders"}`, `"sni":"shop.example"`, `"trusted_ca":{"filename":"ca.pem"}`},
			[]string{`"san_type":"DNS"`},
		},
		"an address has no sni":  {Cluster{URL: "https://10.0.0.7", ID: "spiffe://a/b"}, []string{`"san_type":"URI"`}, []string{`"sni"`}},
		"nothing without https":  {Cluster{URL: "http://shop.example", ID: "spiffe://a/b"}, []string{`cluster upstream: certificates are for an https URL, found "http://shop.example"`}, nil},
		"nor on a socket":        {Cluster{URL: "unix:/run/a", CA: "ca.pem"}, []string{"certificates are for an https URL"}, nil},
		"a certificate, no key":  {Cluster{URL: "https://shop.example", Cert: "gw.pem"}, []string{"cluster upstream: want both a certificate and its key"}, nil},
		"a key, no certificate":  {Cluster{URL: "https://shop.example", Key: "gw.key"}, []string{"cluster upstream: want both a certificate and its key"}, nil},
		"an id that is no URI":   {Cluster{URL: "https://shop.example", ID: "orders"}, []string{`cluster upstream: want a URI such as spiffe://shop.example/orders, found "orders"`}, nil},
		"an id without the rest": {Cluster{URL: "https://shop.example", ID: "spiffe:"}, []string{"want a URI such as"}, nil},
	} {
		conf := sample()
		c.cluster.Name = "upstream"
		conf.Clusters = []Cluster{c.cluster}
		check(t, name, text(t, conf), c.want, c.without)
	}
}

func check(t *testing.T, name, got string, want, without []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%s: want %s in\n%s", name, w, got)
		}
	}
	for _, w := range without {
		if strings.Contains(got, w) {
			t.Errorf("%s: want no %s in\n%s", name, w, got)
		}
	}
}
