package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// Module is a compiled proxy-wasm module. Gateways may share it: compiling takes
// seconds, starting a VM takes milliseconds.
type Module struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cache    wazero.CompilationCache // may be nil
}

// Load compiles a module.
//
// # Errors
//
//   - the bytes are not a WebAssembly module
//   - the module imports a function that is not in the ABI
//   - the module does not export proxy_on_context_create or an allocator
func Load(ctx context.Context, wasm []byte) (*Module, error) {
	return load(ctx, wasm, nil)
}

// LoadCached is Load with a folder for compiled code, so that loading the same
// module again is fast. Code from the folder is run unchecked, so only this user
// may be able to write to it.
func LoadCached(ctx context.Context, wasm []byte, dir string) (*Module, error) {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("compilation cache: %w", err)
	}
	return load(ctx, wasm, cache)
}

func load(ctx context.Context, wasm []byte, cache wazero.CompilationCache) (*Module, error) {
	cfg := wazero.NewRuntimeConfig()
	if cache != nil {
		cfg = cfg.WithCompilationCache(cache)
	}
	m := &Module{runtime: wazero.NewRuntimeWithConfig(ctx, cfg), cache: cache}
	if err := m.load(ctx, wasm); err != nil {
		_ = m.Close(ctx)
		return nil, err
	}
	return m, nil
}

func (m *Module) load(ctx context.Context, wasm []byte) error {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, m.runtime); err != nil {
		return fmt.Errorf("wasi: %w", err)
	}
	env := m.runtime.NewHostModuleBuilder("env")
	known := map[string]bool{}
	for _, f := range hostFuncs {
		f.export(env)
		known[f.name] = true
	}
	if _, err := env.Instantiate(ctx); err != nil {
		return fmt.Errorf("host functions: %w", err)
	}
	c, err := m.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), wasm)
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	m.compiled = c
	for _, f := range c.ImportedFunctions() {
		if mod, name, _ := f.Import(); mod == "env" && !known[name] {
			return fmt.Errorf("import %q: not in the proxy-wasm ABI 0.2.1", name)
		}
	}
	exports := c.ExportedFunctions()
	if exports["proxy_on_context_create"] == nil {
		return fmt.Errorf("export %q: missing, so this is no proxy-wasm module", "proxy_on_context_create")
	}
	if allocator(exports) == "" {
		return fmt.Errorf("export %q: missing", "proxy_on_memory_allocate")
	}
	return nil
}

// allocator returns the name of the export that allocates memory in the module:
// proxy_on_memory_allocate in ABI 0.2.1, malloc in C++ and Rust modules; "" if
// there is none.
func allocator(exports map[string]api.FunctionDefinition) string {
	for _, name := range []string{"proxy_on_memory_allocate", "malloc"} {
		if exports[name] != nil {
			return name
		}
	}
	return ""
}

// Close frees the compiled code. Close the gateways that use it first.
func (m *Module) Close(ctx context.Context) error {
	err := m.runtime.Close(ctx)
	if m.cache != nil {
		err = errors.Join(err, m.cache.Close(ctx))
	}
	return err
}
