// Package policytest runs tests of policies. A file with tests names requests, and what
// must become of each: `rulegate test` runs it, and so does `go test`:
//
//	func TestPolicy(t *testing.T) { policytest.Run(t, "policy_test.yaml") }
//
// host/policytest/TESTING.md documents the file.
//
//	file → Load → Suite of Cases → Runner (Native, or the module) → Result → Reporter
package policytest
