package strictjson

import "testing"

// TestCheckAllocatesNothing: the claims of a token and small bodies take no memory.
func TestCheckAllocatesNothing(t *testing.T) {
	for _, text := range []string{`{}`, `[[[[1]]]]`, `{"a":"x","b":{"c":[1,2,{"d":null}]},"e":true,"f":1.5e3,"g":"é"}`} {
		if n := testing.AllocsPerRun(10, func() {
			if err := Check(text, 64); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}
