package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// hostProperty returns the properties that Envoy has for HTTP streams, by the
// names of its attributes. A NUL separates the parts of a path.
func hostProperty(v *vm, a []uint64) status {
	path, ok := v.text(a[0], a[1])
	if !ok {
		return statusInvalidMemoryAccess
	}
	value, ok := v.property(strings.TrimSuffix(path, "\x00"))
	if !ok {
		return statusNotFound
	}
	return v.give(value, a[2], a[3])
}

// hostSetProperty stores a value in the stream's filter state, under its path.
func hostSetProperty(v *vm, a []uint64) status {
	path, ok1 := v.text(a[0], a[1])
	value, ok2 := v.text(a[2], a[3])
	if !ok1 || !ok2 {
		return statusInvalidMemoryAccess
	}
	s := v.stream()
	if s == nil {
		return statusNotFound
	}
	if s.filterState == nil {
		s.filterState = map[string][]byte{}
	}
	s.filterState[path] = []byte(value)
	return statusOK
}

func (v *vm) property(path string) ([]byte, bool) {
	cfg := &v.gw.cfg
	switch path {
	case "plugin_name":
		return nonEmpty(cfg.PluginName)
	case "plugin_root_id":
		return []byte(cfg.RootID), true
	case "plugin_vm_id":
		return []byte(cfg.VMID), true
	}
	s := v.stream()
	if s == nil {
		return nil, false
	}
	group, name, _ := strings.Cut(path, "\x00")
	switch group {
	case "request":
		return s.requestProperty(name)
	case "response":
		return s.responseProperty(name)
	case "source", "destination":
		return s.address(group, name)
	case "connection":
		return s.connection(name)
	case "xds":
		if name == "route_name" {
			return nonEmpty(cfg.RouteName)
		}
	}
	value, ok := s.filterState[path]
	return value, ok
}

// nonEmpty is a property that is absent if its text is empty.
func nonEmpty(s string) ([]byte, bool) { return []byte(s), s != "" }

// requestProperty returns properties of the request. Those that come from its
// headers are readable while the headers are.
func (s *stream) requestProperty(name string) ([]byte, bool) {
	switch name {
	case "protocol":
		return []byte(protocol(s.r)), true
	case "time":
		return number(s.info.start.UnixNano()), true
	case "duration":
		return number(int64(time.Since(s.info.start))), s.logging
	}
	if s.req.open&headersPart == 0 && !s.logging || s.req.state == awaitHeaders {
		return nil, false
	}
	h := s.req.headers
	if key, ok := strings.CutPrefix(name, "headers\x00"); ok {
		return joined(h, strings.ToLower(key))
	}
	switch name {
	case "id":
		return present(h, "x-request-id")
	case "path":
		return present(h, ":path")
	case "url_path":
		path, _, _ := strings.Cut(h.value(":path"), "?")
		return []byte(path), true
	case "query":
		_, query, _ := strings.Cut(h.value(":path"), "?")
		return []byte(query), true
	case "method":
		return present(h, ":method")
	case "host":
		return present(h, ":authority")
	case "scheme":
		return present(h, ":scheme")
	case "referer":
		return present(h, "referer")
	case "useragent":
		return present(h, "user-agent")
	}
	return nil, false
}

func (s *stream) responseProperty(name string) ([]byte, bool) {
	h := s.resp.headers
	if s.resp.state == awaitHeaders {
		return nil, false
	}
	if key, ok := strings.CutPrefix(name, "headers\x00"); ok {
		if s.resp.open&headersPart == 0 && !s.logging {
			return nil, false
		}
		return joined(h, strings.ToLower(key))
	}
	if name == "code" {
		code, err := strconv.ParseInt(h.value(":status"), 10, 64)
		return number(code), err == nil
	}
	return nil, false
}

func (s *stream) address(group, name string) ([]byte, bool) {
	addr := s.info.peer
	if group == "destination" {
		local, _ := s.r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if local == nil {
			return nil, false
		}
		addr = local.String()
	}
	switch name {
	case "address":
		return []byte(addr), true
	case "port":
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, false
		}
		n, err := strconv.ParseInt(port, 10, 64)
		return number(n), err == nil
	}
	return nil, false
}

// connection returns properties of the connection. Those of the client's
// certificate are absent unless it was verified.
func (s *stream) connection(name string) ([]byte, bool) {
	t := s.r.TLS
	verified := t != nil && len(t.VerifiedChains) > 0
	if name == "mtls" {
		return []byte{byte(flag(verified))}, true
	}
	if t == nil {
		return nil, false
	}
	switch name {
	case "tls_version":
		return nonEmpty(tlsVersion(t.Version))
	case "requested_server_name":
		return nonEmpty(t.ServerName)
	}
	if !verified {
		return nil, false
	}
	cert := t.PeerCertificates[0]
	switch name {
	case "uri_san_peer_certificate":
		if len(cert.URIs) > 0 {
			return []byte(cert.URIs[0].String()), true
		}
	case "dns_san_peer_certificate":
		if len(cert.DNSNames) > 0 {
			return []byte(cert.DNSNames[0]), true
		}
	case "subject_peer_certificate":
		return []byte(cert.Subject.String()), true
	case "sha256_peer_certificate_digest":
		sum := sha256.Sum256(cert.Raw)
		return hex.AppendEncode(nil, sum[:]), true
	}
	return nil, false
}

func tlsVersion(v uint16) string {
	if v < 0x0301 || v > 0x0304 {
		return ""
	}
	return [...]string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}[v-0x0301]
}

func protocol(r *http.Request) string {
	if r.ProtoMajor > 1 {
		return "HTTP/2"
	}
	return r.Proto
}

func present(h pairs, name string) ([]byte, bool) {
	value, ok := h.get(name)
	return []byte(value), ok
}

// joined returns a header's values, separated by commas.
func joined(h pairs, name string) ([]byte, bool) {
	var out []byte
	found := false
	for _, kv := range h {
		if kv[0] != name {
			continue
		}
		if found {
			out = append(out, ',')
		}
		out, found = append(out, kv[1]...), true
	}
	return out, found
}

// number encodes an integer property: 8 bytes, little-endian.
func number(n int64) []byte {
	return binary.LittleEndian.AppendUint64(nil, uint64(n))
}
