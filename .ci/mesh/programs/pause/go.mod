// The program that keeps the namespaces of a pod, for the tests of .ci/mesh.
module github.com/rulegate/rulegate/ci/mesh/pause

go 1.26.0
