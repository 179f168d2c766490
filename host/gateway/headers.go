package gateway

import "strings"

// pairs is a header map, with pseudo-headers. Names are in lower case; repeated
// ones stay apart and in order.
type pairs [][2]string

func (p pairs) get(name string) (string, bool) {
	for _, kv := range p {
		if kv[0] == name {
			return kv[1], true
		}
	}
	return "", false
}

func (p pairs) value(name string) string {
	s, _ := p.get(name)
	return s
}

// single are the headers of which Envoy keeps one: it joins their values with
// commas.
var single = set(`
		:authority :method :path :scheme :status
		accept accept-encoding access-control-allow-credentials access-control-allow-headers
		access-control-allow-methods access-control-allow-origin access-control-expose-headers access-control-max-age
		access-control-request-headers access-control-request-method access-control-request-private-network
		age authentication authorization cache-control client-trace-id content-encoding content-length content-type
		date etag expires grpc-accept-encoding grpc-message grpc-status grpc-timeout
		if-match if-modified-since if-none-match if-range if-unmodified-since
		last-modified location origin pragma referer server user-agent vary via
		x-client-trace-id x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-request-id`)

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// add appends a header; of a single header it appends the value.
func (p pairs) add(name, value string) pairs {
	if single[name] {
		for i := range p {
			if p[i][0] == name {
				p[i][1] += "," + value
				return p
			}
		}
	}
	return append(p, [2]string{name, value})
}

// without removes the headers of a name. It reuses p.
func (p pairs) without(name string) pairs {
	kept := p[:0]
	for _, kv := range p {
		if kv[0] != name {
			kept = append(kept, kv)
		}
	}
	return kept
}

// with sets a header in the place of its first value, or at the end, and removes
// its other values. It reuses p.
func (p pairs) with(name, value string) pairs {
	kept, set := p[:0], false
	for _, kv := range p {
		switch {
		case kv[0] != name:
			kept = append(kept, kv)
		case !set:
			kept, set = append(kept, [2]string{name, value}), true
		}
	}
	if !set {
		kept = append(kept, [2]string{name, value})
	}
	return kept
}

// mapKind names one of the header maps that a module can ask for; the numbers
// are the ABI's.
type mapKind uint32

const (
	mapRequestHeaders   mapKind = 0
	mapRequestTrailers  mapKind = 1
	mapResponseHeaders  mapKind = 2
	mapResponseTrailers mapKind = 3
	mapCallHeaders      mapKind = 6
	mapCallTrailers     mapKind = 7
)

// headerMap returns a map that the module may read now or, with write, change;
// else nil. As in Envoy, headers are closed once the module continues them, and
// can be read again while the stream is logged.
func (v *vm) headerMap(kind mapKind, write bool) *pairs {
	if kind == mapCallHeaders || kind == mapCallTrailers {
		switch {
		case v.reply == nil || write:
			return nil
		case kind == mapCallHeaders:
			return &v.reply.headers
		}
		return &v.reply.trailers
	}
	s := v.stream()
	if s == nil || write && s.logging {
		return nil
	}
	f := &s.req
	if kind == mapResponseHeaders || kind == mapResponseTrailers {
		f = &s.resp
	}
	switch kind {
	case mapRequestHeaders, mapResponseHeaders:
		if f.open&headersPart != 0 || s.logging && f.state != awaitHeaders {
			return &f.headers
		}
	case mapRequestTrailers, mapResponseTrailers:
		if f.open&trailersPart != 0 || s.logging && f.trailers != nil {
			return &f.trailers
		}
	}
	return nil
}

func hostHeader(v *vm, a []uint64) status {
	m := v.headerMap(mapKind(a[0]), false)
	if m == nil {
		return statusBadArgument
	}
	name, ok := v.bytes(a[1], a[2])
	if !ok {
		return statusInvalidMemoryAccess
	}
	value, ok := m.get(strings.ToLower(string(name)))
	if !ok {
		return statusNotFound
	}
	return v.giveText(value, a[3], a[4])
}

func hostHeaders(v *vm, a []uint64) status {
	m := v.headerMap(mapKind(a[0]), false)
	if m == nil {
		return statusBadArgument
	}
	if v.reply != nil && m == &v.reply.headers && *m == nil { // the peer broke off after its headers
		return statusNotFound
	}
	return v.givePairs(*m, a[1], a[2])
}

func hostHeadersSize(v *vm, a []uint64) status {
	m := v.headerMap(mapKind(a[0]), false)
	if m == nil {
		return statusBadArgument
	}
	n := 0
	for _, kv := range *m {
		n += len(kv[0]) + len(kv[1])
	}
	return v.writeUint32(a[1], uint32(n))
}

func hostSetHeaders(v *vm, a []uint64) status {
	m := v.headerMap(mapKind(a[0]), true)
	if m == nil {
		return statusBadArgument
	}
	b, ok := v.bytes(a[1], a[2])
	if !ok {
		return statusInvalidMemoryAccess
	}
	all, ok := parsePairs(b)
	if !ok {
		return statusBadArgument
	}
	*m = lowered(all)
	return statusOK
}

func hostAddHeader(v *vm, a []uint64) status {
	return v.change(a, pairs.add)
}

func hostReplaceHeader(v *vm, a []uint64) status {
	return v.change(a, pairs.with)
}

func (v *vm) change(a []uint64, f func(m pairs, name, value string) pairs) status {
	m := v.headerMap(mapKind(a[0]), true)
	if m == nil {
		return statusBadArgument
	}
	name, ok1 := v.text(a[1], a[2])
	value, ok2 := v.text(a[3], a[4])
	if !ok1 || !ok2 {
		return statusInvalidMemoryAccess
	}
	*m = f(*m, strings.ToLower(name), value)
	return statusOK
}

func hostRemoveHeader(v *vm, a []uint64) status {
	m := v.headerMap(mapKind(a[0]), true)
	if m == nil {
		return statusBadArgument
	}
	name, ok := v.text(a[1], a[2])
	if !ok {
		return statusInvalidMemoryAccess
	}
	*m = m.without(strings.ToLower(name))
	return statusOK
}

// lowered converts the module's headers to pairs.
func lowered(all [][2]string) pairs {
	out := make(pairs, 0, len(all))
	for _, kv := range all {
		out = out.add(strings.ToLower(kv[0]), kv[1])
	}
	return out
}
