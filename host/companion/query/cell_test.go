package query

import (
	"math"
	"testing"
)

func TestAppendFloat(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1: "1", -1.5: "-1.5", 1e21: "1e+21", 1e20: "100000000000000000000", 1 << 63: "9223372036854775808", 0.1: "0.1", 1e15 + 0.5: "1000000000000000.5", 1e-7: "1e-07", math.MaxFloat64: "1.7976931348623157e+308"} {
		if got := string(AppendFloat(nil, x)); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}
