package token

import (
	"fmt"
	"testing"
)

// The token has the size of those that identity providers issue.
const benchClaims = `{"iss":"https://id.example/realms/shop","aud":["shop","account"],"sub":"f1c2e7a0-5f0e-4a51-9a1d-0a7b6b6b2f11","exp":1700003600,"iat":1699999999,"nbf":1699999999,"azp":"web","scope":"openid profile email","email":"user@example.com","roles":["user","editor"],"id":"user-1"}`

func benchSet(b *testing.B, alg string) (*Set, string) {
	b.Helper()
	set := newSet(b, primaryFor(alg))
	raw, err := set.Mint(benchClaims, "")
	if err != nil {
		b.Fatal(err)
	}
	return set, raw
}

func BenchmarkVerifyCold(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256", "PS256", "ES256", "EdDSA"} {
		b.Run(alg, func(b *testing.B) {
			set, raw := benchSet(b, alg)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := set.Verify(raw, testNow); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyWarm(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			set, raw := benchSet(b, alg)
			cache := NewCache(1024)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := cache.Verify(set, raw, testNow, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Each token is new, so each evicts one.
func BenchmarkCacheFull(b *testing.B) {
	set, cache := hsSet(b), NewCache(256)
	raws := make([]string, 1024)
	for i := range raws {
		raws[i] = forge(hsHeader, fmt.Sprintf(`{"id":%d}`, i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := cache.Verify(set, raws[i%len(raws)], testNow, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}
