// Tests of the module in Envoy Gateway, Istio and Kubernetes: `make test-mesh`. It is a
// module of its own, because no other test needs it.
module github.com/rulegate/rulegate/ci/mesh

go 1.26.0

require github.com/google/go-containerregistry v0.22.1

require (
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
)
