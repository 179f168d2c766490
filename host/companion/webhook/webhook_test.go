package webhook

import (
	"log/slog"
	"net/url"
	"testing"
)

func TestPortsAreNamedOrFree(t *testing.T) {
	for _, c := range []struct {
		allowed, url string
		want         bool
	}{
		{"h.example", "http://h.example/", true},
		{"h.example", "https://h.example:8443/", true},
		{"h.example", "http://H.EXAMPLE/", true},
		{"H.example", "http://h.example/", true},
		{"h.example", "http://h.example./", false},
		{"h.example", "http://x.h.example/", false},
		{"h.example:80", "http://h.example/", true},
		{"h.example:80", "https://h.example/", false},
		{"h.example:443", "https://h.example/", true},
		{"h.example:8080", "http://h.example:8080/", true},
		{"h.example:8080", "http://h.example:8081/", false},
		{"[::1]", "http://[::1]:99/", true},
		{"[::1]:99", "http://[::1]:99/", true},
		{"[::1]:99", "http://[::1]:98/", false},
	} {
		w, err := New(Config{Hosts: []string{c.allowed}, Size: 1, Log: slog.Default()})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.pool(u) != nil; got != c.want {
			t.Errorf("%s where %s is allowed: %v", c.url, c.allowed, got)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	for _, c := range []struct {
		host, address string
		good          bool
	}{
		{"hooks.internal", "10.0.0.1:80", true},
		{"hooks.internal", "192.168.1.1:80", true},
		{"hooks.internal", "[fd00::1]:80", true},
		{"hooks.example", "93.184.216.34:443", true},
		{"hooks.example", "127.0.0.1:80", false},
		{"hooks.example", "127.9.9.9:80", false},
		{"hooks.example", "[::1]:80", false},
		{"hooks.example", "[::ffff:127.0.0.1]:80", false},
		{"hooks.example", "[::127.0.0.1]:80", false},
		{"hooks.example", "0.0.0.0:80", false},
		{"hooks.example", "0.1.2.3:80", false},
		{"hooks.example", "[::]:80", false},
		{"hooks.example", "169.254.169.254:80", false},
		{"hooks.example", "[::ffff:169.254.169.254]:80", false},
		{"hooks.example", "[64:ff9b::169.254.169.254]:80", false},
		{"hooks.example", "[64:ff9b::8.8.8.8]:80", true},
		{"hooks.example", "[2002:7f00:1::]:80", false},
		{"hooks.example", "[2002:808:808::]:80", true},
		{"hooks.example", "[fe80::1%eth0]:80", false},
		{"hooks.example", "[fd00:ec2::254]:80", false},
		{"hooks.example", "100.100.100.200:80", false},
		{"hooks.example", "100.100.100.201:80", true},
		{"hooks.example", "224.0.0.1:80", false},
		{"hooks.example", "255.255.255.255:80", false},
		{"hooks.example", "nonsense", false},
		{"127.0.0.1", "127.0.0.1:80", true},
		{"127.0.0.1", "127.0.0.2:80", false},
		{"169.254.169.254", "169.254.169.254:80", true},
		{"::1", "[::1]:80", true},
		{"::ffff:127.0.0.1", "127.0.0.1:80", true},
		{"localhost", "127.0.0.1:80", true},
		{"LOCALHOST", "[::1]:80", true},
		{"localhost", "169.254.169.254:80", false},
		{"localhost.example", "127.0.0.1:80", false},
	} {
		if err := checkAddress(c.host, c.address); (err == nil) != c.good {
			t.Errorf("%s at %s: %v", c.host, c.address, err)
		}
	}
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	w, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if w.transport.Proxy != nil {
		t.Error("a proxy")
	}
}
