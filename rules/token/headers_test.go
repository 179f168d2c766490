package token

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// TestHeadersOfVerifiedTokens: only the header of a token whose signature is right is
// remembered, and then it decides about other tokens as if it were read.
func TestHeadersOfVerifiedTokens(t *testing.T) {
	set := newSet(t, Key{Alg: "HS256", Secret: testSecret, Kid: "k"})
	header := func(more string) string { return `{"alg":"HS256","kid":"k"` + more + `}` }
	remembered := func(header string) bool {
		_, found := set.headers.find(b64(header))
		return found
	}
	for _, refused := range []string{
		forgeWith("guess", header(""), `{}`), forge(`{"alg":"HS256","kid":"other"}`, `{}`), forge(`{"alg":"none"}`, `{}`),
		forge(header(`,"typ":"sc-service+jwt"`), `{}`), forge(header(`,"crit":["x"]`), `{}`), forge(header(`,"x":"`+strings.Repeat("x", maxHeader)+`"`), `{}`),
	} {
		_, _ = set.Verify(refused, testNow)
		if encoded, _, _ := strings.Cut(refused, "."); encoded != "" {
			if _, found := set.headers.find(encoded); found {
				t.Errorf("%s is remembered", encoded)
			}
		}
	}
	for range 2 {
		_, err := set.Verify(forge(header(""), `{}`), testNow)
		wantStage(t, err, "")
		if !remembered(header("")) {
			t.Error("not remembered")
		}
		_, err = set.Verify(forgeWith("guess", header(""), `{}`), testNow)
		wantStage(t, err, StageSignature)
		_, err = set.Verify(b64(header(""))+".e30", testNow)
		wantStage(t, err, StageParse)
	}
	if list := newSet(t, Key{Alg: "HS256", Secret: testSecret}); list.headers == set.headers {
		t.Error("two policies share their headers")
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			more := fmt.Sprintf(`,"x":%d`, i)
			for range 3 {
				if _, err := set.Verify(forge(header(more), `{}`), testNow); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// TestMACsSideBySide: a secret's state is that of one text and one algorithm at a time.
func TestMACsSideBySide(t *testing.T) {
	secret := keys.Secret(testSecret)
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			a := keys.Find([]string{"HS256", "HS384", "HS512"}[i%3])
			text := strings.Repeat("x", []int{0, 1, 63, 64, 511, 512, 513, 5000}[i/3])
			sig := keys.SignHMAC(a, secret, text)
			for range 20 {
				if !(keys.Crypto{}).Verify(a, secret, text, sig) {
					t.Errorf("%s of %d bytes is refused", a.Name, len(text))
				}
				if (keys.Crypto{}).Verify(a, secret, text+"y", sig) {
					t.Errorf("%s of %d bytes is taken for another", a.Name, len(text))
				}
			}
		})
	}
	all.Wait()
}
