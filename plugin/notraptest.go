//go:build !traptest

package main

// failForTest does nothing: see traptest.go.
func (s *stream) failForTest() {}
