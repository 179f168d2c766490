package token

import (
	"github.com/rulegate/rulegate/rules/token/keys"
	"testing"
)

// A token of one algorithm is refused by the keys of all others, even with the
// same kid.
func TestAlgorithmsDoNotMix(t *testing.T) {
	for i := range keys.Names() {
		for j := range keys.Names() {
			signer, verifier := primaryFor(keys.Names()[i]), primaryFor(keys.Names()[j])
			signer.Kid, verifier.Kid = "k", "k"
			raw, err := newSet(t, signer).Mint(`{}`, "")
			if err != nil {
				t.Fatal(err)
			}
			want := StageKey
			if i == j {
				want = ""
			}
			_, err = newSet(t, verifier).Verify(raw, testNow)
			if wantStage(t, err, want); t.Failed() {
				t.Fatalf("%s verified by %s", signer.Alg, verifier.Alg)
			}
		}
	}
}
