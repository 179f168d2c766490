package schema

import "testing"

func TestSize(t *testing.T) {
	for s, want := range map[string]int{
		"0": 0, "100": 100, "100B": 100, "1KiB": 1 << 10, "2MiB": 2 << 20, "1GiB": 1 << 30,
		"1MB": -1, "1 MiB": -1, "-1": -1, "+1": -1, "": -1, "MiB": -1, "1.5MiB": -1, "99999999999999999999": -1, "9999999GiB": -1, "1iB": -1, "1KiBB": -1,
	} {
		n, ok := ParseSize(s)
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("%q: %d, want %d", s, n, want)
		}
	}
}
