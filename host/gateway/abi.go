package gateway

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// hostFunc is a function that the module imports from `env`. Its arguments are
// on the stack in order; it returns a status.
type hostFunc struct {
	name string
	args string // one letter for each argument: i for an i32, I for an i64
	call func(v *vm, stack []uint64) status
}

// vmKey is the key of the calling VM in a call's context: host functions are
// compiled once for all VMs.
type vmKey struct{}

func (f hostFunc) export(env wazero.HostModuleBuilder) {
	params := make([]api.ValueType, len(f.args))
	for i := range params {
		params[i] = api.ValueTypeI32
		if f.args[i] == 'I' {
			params[i] = api.ValueTypeI64
		}
	}
	call := f.call
	env.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(
		func(ctx context.Context, _ api.Module, stack []uint64) {
			v, _ := ctx.Value(vmKey{}).(*vm)
			if v == nil || v.dead.Load() {
				stack[0] = uint64(statusInternalFailure)
				return
			}
			stack[0] = uint64(call(v, stack))
		}), params, []api.ValueType{api.ValueTypeI32}).Export(f.name)
}

// hostFuncs are the functions of the ABI. Those that this host does not offer,
// such as gRPC calls, are there to be linked and return Unimplemented.
var hostFuncs = []hostFunc{
	{"proxy_log", "iii", hostLog},
	{"proxy_get_log_level", "i", hostLogLevel},
	{"proxy_get_current_time_nanoseconds", "i", hostTime},

	{"proxy_get_header_map_value", "iiiii", hostHeader},
	{"proxy_get_header_map_pairs", "iii", hostHeaders},
	{"proxy_get_header_map_size", "ii", hostHeadersSize},
	{"proxy_set_header_map_pairs", "iii", hostSetHeaders},
	{"proxy_add_header_map_value", "iiiii", hostAddHeader},
	{"proxy_replace_header_map_value", "iiiii", hostReplaceHeader},
	{"proxy_remove_header_map_value", "iii", hostRemoveHeader},

	{"proxy_get_buffer_bytes", "iiiii", hostBuffer},
	{"proxy_set_buffer_bytes", "iiiii", hostSetBuffer},
	{"proxy_get_buffer_status", "iii", hostBufferStatus},

	{"proxy_continue_stream", "i", hostContinue},
	{"proxy_close_stream", "i", hostCloseStream},
	{"proxy_send_local_response", "iiiiiiii", hostLocalReply},

	{"proxy_http_call", "iiiiiiiiii", hostHTTPCall},
	{"proxy_set_effective_context", "i", hostEffectiveContext},
	{"proxy_set_tick_period_milliseconds", "i", hostTickPeriod},
	{"proxy_done", "", hostDone},

	{"proxy_get_property", "iiii", hostProperty},
	{"proxy_set_property", "iiii", hostSetProperty},

	{"proxy_get_shared_data", "iiiii", hostSharedData},
	{"proxy_set_shared_data", "iiiii", hostSetSharedData},
	{"proxy_register_shared_queue", "iii", hostRegisterQueue},
	{"proxy_resolve_shared_queue", "iiiii", hostResolveQueue},
	{"proxy_enqueue_shared_queue", "iii", hostEnqueue},
	{"proxy_dequeue_shared_queue", "iii", hostDequeue},

	{"proxy_define_metric", "iiii", hostDefineMetric},
	{"proxy_increment_metric", "iI", hostIncrementMetric},
	{"proxy_record_metric", "iI", hostRecordMetric},
	{"proxy_get_metric", "ii", hostMetric},

	{"proxy_call_foreign_function", "iiiiii", hostForeign},
	{"proxy_get_status", "iii", hostUnimplemented},
	{"proxy_grpc_call", "iiiiiiiiiiii", hostUnimplemented},
	{"proxy_grpc_stream", "iiiiiiiii", hostUnimplemented},
	{"proxy_grpc_send", "iiii", hostUnimplemented},
	{"proxy_grpc_cancel", "i", hostUnimplemented},
	{"proxy_grpc_close", "i", hostUnimplemented},
}

func hostUnimplemented(*vm, []uint64) status { return statusUnimplemented }
