//go:build traptest

package main

import "github.com/rulegate/rulegate/plugin/abi"

// This file is only in the module of the end-to-end tests. There a client can make
// the module fail, as a fault would, by the header x-test-fail, and its candidate by
// x-test-fail-candidate.
func (s *stream) failForTest() {
	name := "x-test-fail"
	if s.active != nil {
		name = "x-test-fail-candidate"
	}
	headers, _ := abi.Pairs(abi.RequestHeaders)
	for _, h := range headers {
		if h[0] == name {
			s.failAs(h[1])
		}
	}
}

func (s *stream) failAs(how string) {
	switch how {
	case "trap":
		abi.Errorf("survived %d calls", overflow(1<<30))
	case "memory":
		abi.Errorf("survived %d bytes", len(make([]byte, 2<<30)))
	case "throw":
		panic("for a test")
	case "panic":
		if s.active != nil {
			panic("for a test")
		}
		broken := *s.plugin
		broken.engine = nil
		s.plugin = &broken
	}
}

// overflow exhausts the stack of the VM. Go cannot recover from that trap.
func overflow(n int) int {
	if n == 0 {
		return 0
	}
	return overflow(n-1) + 1
}
