package main

import (
	"fmt"
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
)

// contexts runs the commands about the effective context of host calls.
func (s *stream) contexts(event, name, rest string) error {
	switch name {
	case "mark": // for ticks
		s.p.marked = append(s.p.marked, s.id)
	case "unmark":
		s.p.marked = nil
	case "formarked": // a command, with each of them as the effective context
		for _, id := range s.p.marked {
			if err := s.as(id, event, rest); err != nil {
				return err
			}
		}
	case "asplugin":
		return s.as(s.p.id, event, rest)
	case "asnobody": // a context that never existed
		return s.as(1<<30, event, rest)
	default:
		return fmt.Errorf("no such command")
	}
	return nil
}

// as runs a command with another effective context, which stays set until the
// callback ends.
func (s *stream) as(id uint32, event, command string) error {
	if err := proxywasm.SetEffectiveContext(id); err != nil {
		return fmt.Errorf("effective: %w", err)
	}
	name, rest, _ := strings.Cut(command, " ")
	return s.do(event, name, rest)
}
