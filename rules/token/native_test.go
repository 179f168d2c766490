package token

import (
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// A Set with the proxy's verification uses the proxy's answer.
func TestSetAsksTheProxy(t *testing.T) {
	probing, calls := true, 0
	native := keys.ProbeNative(func(_ string, _, _, text []byte) (bool, error) {
		if probing {
			return string(text) == "rulegate", nil
		}
		calls++
		return false, nil
	})
	probing = false
	s := newSet(t, primaryFor("ES256"))
	raw, err := s.Mint(`{"id":"u1"}`, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.WithNative(native).Verify(raw, testNow)
	wantStage(t, err, StageSignature)
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
	_, err = s.Verify(raw, testNow)
	wantStage(t, err, "")
}
