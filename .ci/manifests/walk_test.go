package manifests

import (
	"slices"
	"strings"
	"testing"
)

func sorted(list []string) string {
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// follow follows keys and indices.
func follow(t *testing.T, v any, steps ...any) any {
	t.Helper()
	for _, step := range steps {
		ok := false
		switch step := step.(type) {
		case string:
			var m map[string]any
			if m, ok = v.(map[string]any); ok {
				v, ok = m[step]
			}
		case int:
			var list []any
			if list, ok = v.([]any); ok && step < len(list) {
				v = list[step]
			}
		}
		if !ok {
			t.Fatalf("no %v at %v", step, steps)
		}
	}
	return v
}
