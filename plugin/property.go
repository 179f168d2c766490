package main

import (
	"strings"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/value"
)

// properties are decide.Properties of the stream that host calls are about.
type properties struct{}

func (properties) ClientIP() string {
	b, err := abi.Property("source", "address")
	if err != nil {
		return ""
	}
	return withoutPort(string(b))
}

// Peer is the client certificate that the listener verified.
func (properties) Peer() value.Value {
	mtls, err := abi.Property("connection", "mtls")
	if err != nil || len(mtls) != 1 || mtls[0] != 1 {
		return value.Value{}
	}
	var ms []value.Member
	for _, p := range [...]struct{ key, property string }{
		{"uriSan", "uri_san_peer_certificate"}, {"dnsSan", "dns_san_peer_certificate"}, {"subject", "subject_peer_certificate"},
		{"sha256", "sha256_peer_certificate_digest"},
	} {
		if b, err := abi.Property("connection", p.property); err == nil && len(b) > 0 {
			ms = append(ms, value.Member{Key: p.key, Value: value.Str(string(b))})
		}
	}
	return value.Obj(ms...)
}

// withoutPort returns the address of 1.2.3.4:5 and of [::1]:5.
func withoutPort(address string) string {
	if i := strings.LastIndexByte(address, ':'); i >= 0 && strings.IndexByte(address[i:], ']') < 0 {
		address = address[:i]
	}
	return strings.Trim(address, "[]")
}
