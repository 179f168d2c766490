package interleave

import (
	"context"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
)

// Results of host functions, as the ABI has them.
const (
	notFound        = 1
	badArgument     = 2
	casMismatch     = 8
	internalFailure = 10
)

// hostFunction is a function of the host. wide are the indexes of its arguments of 64 bits.
type hostFunction struct {
	args int
	wide []int
	call func(v *vm, a []uint64) uint64
}

func (f hostFunction) export(env wazero.HostModuleBuilder, name string) {
	params := slices.Repeat([]api.ValueType{api.ValueTypeI32}, f.args)
	for _, i := range f.wide {
		params[i] = api.ValueTypeI64
	}
	env.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
		for i := range f.args {
			if !slices.Contains(f.wide, i) {
				stack[i] = uint64(uint32(stack[i]))
			}
		}
		stack[0] = f.call(ctx.Value(vmKey{}).(*vm), stack)
	}), params, []api.ValueType{api.ValueTypeI32}).Export(name)
}

// hostFunctions are those that the module imports.
var hostFunctions = map[string]hostFunction{
	"proxy_log":                          {3, nil, hostLog},
	"proxy_get_header_map_pairs":         {3, nil, hostPairs},
	"proxy_add_header_map_value":         {5, nil, hostAdd},
	"proxy_replace_header_map_value":     {5, nil, hostReplace},
	"proxy_remove_header_map_value":      {3, nil, hostRemove},
	"proxy_get_buffer_bytes":             {5, nil, hostBuffer},
	"proxy_set_buffer_bytes":             {5, nil, hostSetBuffer},
	"proxy_continue_stream":              {1, nil, hostContinue},
	"proxy_send_local_response":          {8, nil, hostRespond},
	"proxy_http_call":                    {10, nil, hostCall},
	"proxy_get_property":                 {4, nil, hostProperty},
	"proxy_set_property":                 {4, nil, hostSetProperty},
	"proxy_get_shared_data":              {5, nil, hostShared},
	"proxy_set_shared_data":              {5, nil, hostSetShared},
	"proxy_define_metric":                {4, nil, hostDefineMetric},
	"proxy_increment_metric":             {2, []int{1}, hostIncrement},
	"proxy_record_metric":                {2, []int{1}, hostRecord},
	"proxy_call_foreign_function":        {6, nil, hostForeign},
	"proxy_set_tick_period_milliseconds": {1, nil, func(*vm, []uint64) uint64 { return 0 }},
	"proxy_set_effective_context":        {1, nil, hostContext},
}

func hostLog(v *vm, a []uint64) uint64 {
	line := v.text(a[1], a[2])
	if strings.Contains(line, "panic") {
		v.fail("the module has panicked: %s", line)
	}
	if v.starting != nil && a[0] >= 4 {
		v.fail("%s", line)
	}
	if s := v.about(); s != nil {
		s.logged(line)
	}
	return 0
}

// headerMap returns a header map that is open now.
func (v *vm) headerMap(number uint64) *[][2]string {
	if number == 6 {
		if v.reply() == nil {
			return nil
		}
		return &v.reply().headers
	}
	s := v.about()
	if s == nil || number > 3 {
		return nil
	}
	f := &s.request
	if number > 1 {
		f = &s.response
	}
	switch {
	case !f.shown || f.released && number%2 == 0:
		return nil // not there yet, or gone
	case number%2 == 1:
		return &f.trailers
	}
	return &f.headers
}

func hostPairs(v *vm, a []uint64) uint64 {
	m := v.headerMap(a[0])
	if m == nil {
		return notFound
	}
	return v.give(encoded(*m), a[1], a[2])
}

func hostAdd(v *vm, a []uint64) uint64 {
	m := v.headerMap(a[0])
	if m == nil {
		return badArgument
	}
	*m = append(*m, [2]string{v.text(a[1], a[2]), v.text(a[3], a[4])})
	return 0
}

// hostReplace sets the first field of the name in place, as Envoy does.
func hostReplace(v *vm, a []uint64) uint64 {
	m := v.headerMap(a[0])
	if m == nil {
		return badArgument
	}
	name, value := v.text(a[1], a[2]), v.text(a[3], a[4])
	i := slices.IndexFunc(*m, func(p [2]string) bool { return p[0] == name })
	if i < 0 {
		*m = append(*m, [2]string{name, value})
		return 0
	}
	(*m)[i][1] = value
	kept := (*m)[:i+1]
	for _, p := range (*m)[i+1:] {
		if p[0] != name {
			kept = append(kept, p)
		}
	}
	*m = kept
	return 0
}

func hostRemove(v *vm, a []uint64) uint64 {
	m := v.headerMap(a[0])
	if m == nil {
		return badArgument
	}
	name := v.text(a[1], a[2])
	*m = slices.DeleteFunc(*m, func(p [2]string) bool { return p[0] == name })
	return 0
}

// buffer returns a buffer that is open now.
func (v *vm) buffer(number uint64) *[]byte {
	switch s := v.about(); {
	case number == 7 && v.starting != nil:
		b := []byte(v.starting.config)
		return &b
	case number == 4 && v.reply() != nil:
		return &v.reply().body
	case s == nil:
	case number == 0:
		return &s.request.held
	case number == 1:
		return &s.response.held
	}
	return nil
}

func hostBuffer(v *vm, a []uint64) uint64 {
	b := v.buffer(a[0])
	if b == nil || len(*b) == 0 {
		return notFound
	}
	from, size := min(int(uint32(a[1])), len(*b)), int(uint32(a[2]))
	return v.give(string((*b)[from:min(len(*b), from+size)]), a[3], a[4])
}

func hostSetBuffer(v *vm, a []uint64) uint64 {
	b := v.buffer(a[0])
	if b == nil {
		return badArgument
	}
	*b = []byte(v.text(a[3], a[4]))
	return 0
}

func hostContinue(v *vm, a []uint64) uint64 {
	s := v.about()
	if s == nil {
		return badArgument
	}
	s.resume(a[0] == 1)
	return 0
}

func hostRespond(v *vm, a []uint64) uint64 {
	s := v.about()
	if s == nil {
		return badArgument
	}
	s.respond(int(uint32(a[0])), pairs(v.text(a[5], a[6])), v.text(a[3], a[4]))
	return 0
}

func hostProperty(v *vm, a []uint64) uint64 {
	path := strings.ReplaceAll(v.text(a[0], a[1]), "\x00", ".")
	s := v.about()
	switch {
	case path == "plugin_name":
		return v.give("interleave", a[2], a[3])
	case s == nil:
	case path == "source.address":
		return v.give(s.script.address, a[2], a[3])
	case path == "request.id":
		return v.give(s.script.id, a[2], a[3])
	}
	return notFound
}

func hostSetProperty(v *vm, a []uint64) uint64 {
	s := v.about()
	if s == nil {
		return notFound
	}
	s.note(v.text(a[0], a[1]), v.text(a[2], a[3]))
	return 0
}

func hostShared(v *vm, a []uint64) uint64 {
	d, ok := v.shared[v.text(a[0], a[1])]
	if !ok {
		return notFound
	}
	v.put32(a[4], d.version)
	return v.give(string(d.value), a[2], a[3])
}

func hostSetShared(v *vm, a []uint64) uint64 {
	key := v.text(a[0], a[1])
	d := v.shared[key]
	if uint32(a[4]) != 0 && uint32(a[4]) != d.version {
		return casMismatch
	}
	v.shared[key] = shared{[]byte(v.text(a[2], a[3])), d.version + 1}
	return 0
}

func hostDefineMetric(v *vm, a []uint64) uint64 {
	name := v.text(a[1], a[2])
	for id, n := range v.metrics {
		if n == name {
			v.put32(a[3], id)
			return 0
		}
	}
	v.last++
	v.metrics[v.last] = name
	v.put32(a[3], v.last)
	return 0
}

func hostIncrement(v *vm, a []uint64) uint64 {
	v.counts[v.metrics[uint32(a[0])]] += int64(a[1])
	return 0
}

func hostRecord(v *vm, a []uint64) uint64 {
	v.counts[v.metrics[uint32(a[0])]] = int64(a[1])
	return 0
}

// verified has the results of verify_signature: each start of a VM asks for the same ones.
var verified = map[[5]string]bool{}

// hostForeign is verify_signature.
func hostForeign(v *vm, a []uint64) uint64 {
	if v.text(a[0], a[1]) != "verify_signature" {
		return notFound
	}
	var fields [5]string
	for b := []byte(v.text(a[2], a[3])); len(b) > 0; {
		number, _, n := protowire.ConsumeTag(b)
		value, m := protowire.ConsumeBytes(b[max(n, 0):])
		if n < 0 || m < 0 || number > 4 {
			return badArgument
		}
		fields[number], b = string(value), b[n+m:]
	}
	if fields[2] == "" {
		return badArgument
	}
	ok, known := verified[fields]
	if !known {
		var err error
		ok, err = gocrypto.Verify(fields[1], []byte(fields[2]), []byte(fields[3]), fields[4])
		ok = ok && err == nil
		verified[fields] = ok
	}
	if ok {
		return v.give("\x08\x01", a[4], a[5])
	}
	return v.give("\x12\x02no", a[4], a[5])
}

func hostContext(v *vm, a []uint64) uint64 {
	id := uint32(a[0])
	if v.streams[id] == nil && v.plugins[id] == nil {
		return badArgument
	}
	v.effective = id
	return 0
}
