// Package mesh runs the module in the real Envoy Gateway, in Istio, and in a Kubernetes
// of one node, with the manifests that the command writes. `make test-mesh` builds the
// programs and runs the tests, as root.
//
// All of it runs in namespaces of its own, for network, mounts and processes: the tests
// take no port, interface or folder of the machine, and the kernel ends everything that
// they started when they end. See sandbox_test.go.
package mesh
