package envoycheck

import (
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/testcert"
)

// pair writes a certificate that is valid for a time, and its key.
func pair(t *testing.T, dir, name string, from, to time.Time) (cert, key string) {
	t.Helper()
	c, k := testcert.New(t).Pair(func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = from, to
		c.Subject.CommonName = name
	})
	cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	for path, text := range map[string]string{cert: c, key: k} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestCertificates(t *testing.T) {
	now, dir := time.Now(), t.TempDir()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		from, to time.Time
		want     Level
	}{
		"good":    {now.Add(-day), now.Add(100 * day), ""},
		"expired": {now.Add(-9 * day), now.Add(-day), Error},
		"future":  {now.Add(day), now.Add(9 * day), Error},
		"soon":    {now.Add(-day), now.Add(3 * day), Warning},
	} {
		cert, key := pair(t, dir, name, c.from, c.to)
		base := generated(t, testPolicy, func(conf *envoyconf.Config) {
			conf.Listeners[0].TLS = &envoyconf.ServerTLS{Cert: cert, Key: key}
		})
		text, err := os.ReadFile(cert)
		if err != nil {
			t.Fatal(err)
		}
		inline, _ := json.Marshal(string(text))
		secret := filepath.Join(dir, name+"-secret.json")
		if err := os.WriteFile(secret, []byte(`{"resources":[{"@type":"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret","name":"s","tls_certificate":{"certificate_chain":{"filename":"`+cert+`"}}}]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		for form, config := range map[string]string{
			"file":   base,
			"inline": strings.Replace(base, "filename: "+cert, "inline_string: "+string(inline), 1),
			"secret": strings.Replace(base, "tls_certificates:", "tls_certificate_sds_secret_configs: [{name: s, sds_config: {path_config_source: {path: "+secret+"}}}]\n                unused:", 1),
			"both":   strings.Replace(base, "tls_certificates:", "validation_context: {trusted_ca: {filename: "+cert+"}}\n                tls_certificates:", 1),
		} {
			found := check(t, config)
			if c.want == "" {
				if len(found) > 0 {
					t.Errorf("%s, %s: %+v", name, form, found)
				}
				continue
			}
			if len(found) == 0 || found[0].Code != "expired-certificate" || found[0].Level != c.want || !strings.Contains(found[0].Why, name) {
				t.Errorf("%s, %s: %+v", name, form, found)
			}
		}
	}
	missing := generated(t, testPolicy, func(conf *envoyconf.Config) {
		conf.Listeners[0].TLS = &envoyconf.ServerTLS{Cert: "/none/such.pem", Key: "/none/such.key"}
	})
	if found := check(t, missing); len(found) != 1 || found[0].Code != "certificate-unread" || found[0].Level != Note {
		t.Errorf("a file that is not here: %+v", found)
	}
}

// One authority that is valid is enough: those of a system have some that expired.
func TestAuthorities(t *testing.T) {
	now, dir := time.Now(), t.TempDir()
	old, _ := pair(t, dir, "old", now.Add(-2*time.Hour), now.Add(-time.Hour))
	fresh, _ := pair(t, dir, "fresh", now.Add(-time.Hour), now.Add(1000*time.Hour))
	a, _ := os.ReadFile(old)
	b, _ := os.ReadFile(fresh)
	both := filepath.Join(dir, "both.pem")
	if err := os.WriteFile(both, append(a, b...), 0o600); err != nil {
		t.Fatal(err)
	}
	for ca, want := range map[string]int{both: 0, old: 1} {
		config := generated(t, testPolicy, func(conf *envoyconf.Config) {
			conf.Clusters[0] = envoyconf.Cluster{Name: "upstream", URL: "https://127.0.0.1:1", CA: ca}
		})
		if found := check(t, config); len(found) != want {
			t.Errorf("%s: %+v", ca, found)
		}
	}
}
