// Package spelling suggests nothing in the module: its policies were checked before, and
// Envoy compiles all of its code.
package spelling

// Nearest returns "".
func Nearest(string, []string) string { return "" }
