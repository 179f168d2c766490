package gateway

import "strings"

// pairs is a header map: names are lower-case, repeated ones stay apart and in
// order, pseudo-headers are among them.
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

// without drops every header of that name.
func (p pairs) without(name string) pairs {
	kept := p[:0]
	for _, kv := range p {
		if kv[0] != name {
			kept = append(kept, kv)
		}
	}
	return kept
}

// with sets a header where its first value stood, or at the end, and drops
// every other value of it.
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

// mapKind names one of the header maps that a module can ask for.
type mapKind uint32

const (
	mapRequestHeaders   mapKind = 0
	mapRequestTrailers  mapKind = 1
	mapResponseHeaders  mapKind = 2
	mapResponseTrailers mapKind = 3
	mapCallHeaders      mapKind = 6
	mapCallTrailers     mapKind = 7
)

// headerMap finds a map that the module may read now, and if write is set
// change; nil otherwise. As in Envoy, headers are out of reach once the module
// let them go, and back, to read, when the stream is logged.
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
		if f.openHeaders || s.logging && f.begun {
			return &f.headers
		}
	case mapRequestTrailers, mapResponseTrailers:
		if f.openTrailers || s.logging && f.trailers != nil {
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
	return v.change(a, func(m pairs, name, value string) pairs {
		return append(m, [2]string{name, value})
	})
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

func lowered(all [][2]string) pairs {
	for i := range all {
		all[i][0] = strings.ToLower(all[i][0])
	}
	return all
}
