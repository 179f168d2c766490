// Package manifests tests the Helm charts of envoy/deploy and the manifests that
// `rulegate gateway` and `rulegate istio` write, against the schemas of Kubernetes,
// Envoy Gateway and Istio.
package manifests
