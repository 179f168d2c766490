package listen

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/testcert"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:0":  "",
		"[::1]:80":     "",
		":80":          "",
		"unix:/run/x":  "",
		"unix:x.sock":  `address "unix:x.sock": want unix: and an absolute path`,
		"unix:":        `address "unix:": want unix: and an absolute path`,
		"9000":         `address "9000": want host:port or unix:/path`,
		"":             `address "": want host:port or unix:/path`,
		"http://a:1/x": `address "http://a:1/x": want host:port or unix:/path`,
	} {
		_, err := ParseAddress(text)
		if got := ""; err != nil {
			if got = err.Error(); got != want {
				t.Errorf("%q: %s, want %s", text, got, want)
			}
		} else if want != "" {
			t.Errorf("%q: no error, want %s", text, want)
		}
	}
}

func open(t *testing.T, text string) (net.Listener, string, error) {
	t.Helper()
	a, err := ParseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	l, url, err := a.Open(Private)
	if err == nil {
		t.Cleanup(func() { l.Close() })
	}
	return l, url, err
}

// The URL has the port that the system chose; an address in use names itself.
func TestOpen(t *testing.T) {
	l, url, err := open(t, "127.0.0.1:0")
	if err != nil || url != "http://"+l.Addr().String() {
		t.Fatal(url, err)
	}
	if _, _, err := open(t, l.Addr().String()); err == nil || !strings.HasPrefix(err.Error(), l.Addr().String()+": address already in use") {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	if _, url, err := open(t, "unix:"+path); err != nil || url != "unix:"+path {
		t.Error(url, err)
	}
}

// write writes a certificate of the authority and its CA to files.
func write(t *testing.T, ca *testcert.Authority) TLSFiles {
	t.Helper()
	cert, key := ca.Pair(nil)
	dir := t.TempDir()
	f := TLSFiles{Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key"), ClientCA: filepath.Join(dir, "ca")}
	for path, text := range map[string]string{f.Cert: cert, f.Key: key, f.ClientCA: ca.PEM()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// handshake connects as a client of an authority, which the server's certificate
// must be from too.
func handshake(t *testing.T, addr string, ca *testcert.Authority, certificates ...tls.Certificate) error {
	t.Helper()
	cfg := &tls.Config{RootCAs: ca.Pool()}
	if len(certificates) > 0 {
		// Show it even if the server does not name its authority.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificates[0], nil }
	}
	c, err := tls.Dial("tcp", addr, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Read(make([]byte, 1)) // TLS 1.3: the server refuses a client after its handshake
	return err
}

// A client needs a certificate of the CA. New connections get the certificate of
// the last Replace.
func TestTLS(t *testing.T) {
	first, second := testcert.New(t), testcert.New(t)
	served, err := write(t, first).Load()
	if err != nil {
		t.Fatal(err)
	}
	plain, url, err := open(t, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, url := served.Wrap(plain, url)
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Error(url)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("x"))
			c.Close()
		}
	}()
	addr := l.Addr().String()
	if err := handshake(t, addr, first, first.TLS(nil)); err != nil {
		t.Error(err)
	}
	if err := handshake(t, addr, first); err == nil {
		t.Error("a client without a certificate is accepted")
	}
	if err := handshake(t, addr, first, second.TLS(nil)); err == nil {
		t.Error("a client of another CA is accepted")
	}
	fresh, err := write(t, second).Load()
	if err != nil {
		t.Fatal(err)
	}
	served.Replace(fresh)
	if err := handshake(t, addr, second, second.TLS(nil)); err != nil {
		t.Error(err)
	}
	if err := handshake(t, addr, first, first.TLS(nil)); err == nil {
		t.Error("the old certificate and CA still count")
	}
}

// With ClientOptional a client without a certificate is accepted, and one of another
// CA is not.
func TestOptionalCertificates(t *testing.T) {
	ca := testcert.New(t)
	files := write(t, ca)
	files.ClientOptional = true
	served, err := files.Load()
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := open(t, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, _ := served.Wrap(plain, "")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("x"))
			c.Close()
		}
	}()
	addr := l.Addr().String()
	if err := errors.Join(handshake(t, addr, ca), handshake(t, addr, ca, ca.TLS(nil))); err != nil {
		t.Error(err)
	}
	if err := handshake(t, addr, ca, testcert.New(t).TLS(nil)); err == nil {
		t.Error("a client of another CA is accepted")
	}
}

func TestTLSFiles(t *testing.T) {
	if c, err := (TLSFiles{}).Load(); c != nil || err != nil {
		t.Error(c, err)
	}
	whole := write(t, testcert.New(t))
	if err := whole.Check(); err != nil {
		t.Error(err)
	}
	for want, f := range map[string]TLSFiles{
		"--tls-cert: want --tls-key with it":                 {Cert: "c"},
		"--tls-key: want --tls-cert with it":                 {Key: "k"},
		"--client-ca: want --tls-cert and --tls-key with it": {ClientCA: "a"},
		"--client-optional: want --client-ca":                {Cert: "c", Key: "k", ClientOptional: true},
	} {
		if err := f.Check(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for want, f := range map[string]TLSFiles{
		"--tls-cert, --tls-key: ":         {Cert: whole.Key, Key: whole.Key},
		"--client-ca: no certificate in ": {Cert: whole.Cert, Key: whole.Key, ClientCA: whole.Key},
		"--client-ca: open ":              {Cert: whole.Cert, Key: whole.Key, ClientCA: "none"},
	} {
		if _, err := f.Load(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s…", err, want)
		}
	}
}
