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

		"by discovery": {&ServerTLS{Cert: "gw.pem", Key: "gw.pem", Secret: "/etc/rulegate/certificate.yaml", ClientCA: "ca.pem"}, []string{
			`"tls_certificate_sds_secret_configs":[{"name":"rulegate","sds_config":{"path_config_source":{"path":"/etc/rulegate/certificate.yaml","watched_directory":{"path":"/etc/rulegate"}}`,
			`"node":{"id":"rulegate"`, verifying,
		}, []string{"tls_certificates"}},

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

func TestChallenge(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*Config)
		want, without []string
	}{
		"beside TLS": {func(c *Config) {}, []string{
			`"name":"rulegate-acme","address":{"socket_address":{"address":"0.0.0.0","port_value":80}}`,
			`{"match":{"prefix":"/.well-known/acme-challenge/"},"route":{"cluster":"acme","timeout":"0s"}},{"match":{"prefix":"/"},"redirect":{"https_redirect":true,"response_code":"PERMANENT_REDIRECT","port_redirect":10000}}`,
		}, nil},
		"the port of https": {func(c *Config) { c.Listeners[0].Address = "0.0.0.0:443" }, []string{"https_redirect"}, []string{"port_redirect"}},
		"without TLS":       {func(c *Config) { c.Listeners[0].TLS = nil }, []string{"listener rulegate: challenge: want a certificate on the listener itself"}, nil},
		"a bad address":     {func(c *Config) { c.Listeners[0].Challenge.Address = "shop:80" }, []string{"listener rulegate: challenge: address"}, nil},
		"no such cluster":   {func(c *Config) { c.Listeners[0].Challenge.Upstream = "none" }, []string{`listener rulegate: challenge: no cluster "none"`}, nil},
	} {
		conf := sample()
		conf.Clusters = append(conf.Clusters, Cluster{Name: "acme", URL: "http://127.0.0.1:8402"})
		conf.Listeners[0].TLS = &ServerTLS{Cert: "gw.pem", Key: "gw.pem"}
		conf.Listeners[0].Challenge = &Challenge{Address: "0.0.0.0:80", Upstream: "acme"}
		c.change(&conf)
		check(t, name, text(t, conf), c.want, c.without)
	}
}
