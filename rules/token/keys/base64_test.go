package keys_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// FuzzBase64: texts are decoded and refused as by the standard library, which ignores
// line breaks.
func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "A", "AA", "AB", "AAA", "AAB", "AAAA", "_-Az09", "AA==", "A\nAA", "AAAA\r", "+/AA", "AAé", "AAAAAAAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, wrong := base64.RawURLEncoding.Strict().DecodeString(s)
		got, err := keys.DecodeBase64URL(s)
		refused := wrong != nil || strings.ContainsAny(s, "\r\n")
		if refused != (err != nil) || !refused && string(got) != string(want) {
			t.Errorf("%q: %x, %v; want %x, %v", s, got, err, want, wrong)
		}
	})
}
