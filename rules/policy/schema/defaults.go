package schema

import (
	"time"

	"github.com/rulegate/rulegate/rules"
)

// Bounds and defaults of the file's settings.
const (
	maxBody  = 256 << 20 // the memory of a wasm module never shrinks
	maxDepth = 512       // far below the depth at which a recursive reader overflows its stack in wasm
	maxCalls = 1000
	// maxMemory leaves V8's limit of 1 GiB some room for the module itself.
	maxMemory          = 768 << 20
	maxFields          = 100_000
	minSteps, maxSteps = 1000, 1_000_000_000

	DefaultPrefix       = "/v1/api"
	DefaultCluster      = "rulegate-companion"
	DefaultTimeout      = 500 * time.Millisecond
	DefaultRequestBody  = 1 << 20
	DefaultResponseBody = 4 << 20
	DefaultDepth        = 64
	DefaultCalls        = 32
	DefaultFields       = 1000
	DefaultSteps        = rules.DefaultSteps
	DefaultMemory       = 256 << 20
	DefaultKeyHeader    = "x-api-key"
	DefaultRefresh      = 10 * time.Minute
	DefaultLeeway       = 30 * time.Second
	DefaultMaxStale     = 24 * time.Hour
	DefaultBodyTimeout  = 10 * time.Second // less than Envoy's stream_idle_timeout
	DefaultIdle         = 5 * time.Minute
)

// FileOperations are the operations of an entry of files.
var FileOperations = []string{"read", "create", "delete"}
