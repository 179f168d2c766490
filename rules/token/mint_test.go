package token

import (
	"fmt"
	"github.com/rulegate/rulegate/rules/token/keys"
	"strings"
	"testing"
	"time"
)

func TestMintForEveryAlgorithm(t *testing.T) {
	for i := range keys.Names() {
		alg := keys.Names()[i]
		t.Run(alg, func(t *testing.T) {
			key := primaryFor(alg)
			key.Kid = `k"1`
			set := newSet(t, Key{Alg: "HS256", Secret: "another"}, key)
			if gotAlg, kid := set.Primary(); gotAlg != alg || kid != key.Kid || !set.CanSign() {
				t.Errorf("Primary %q, %q", gotAlg, kid)
			}
			const claims = `{ "id": "ü<1>" , "n": 9007199254740993 }`
			raw, err := set.Mint(claims, "")
			if err != nil {
				t.Fatal(err)
			}
			c, err := set.Verify(raw, testNow)
			if err != nil || c.JSON != claims || c.Provider != "own" {
				t.Errorf("got %+v, %v", c, err)
			}
			header, err := keys.DecodeBase64URL(strings.SplitN(raw, ".", 2)[0])
			if err != nil || string(header) != `{"alg":"`+alg+`","typ":"JWT","kid":"k\"1"}` {
				t.Errorf("header %s, %v", header, err)
			}
			if secret := set.HMACSecret(); (secret == testSecret) != strings.HasPrefix(alg, "HS") {
				t.Errorf("HMACSecret %q", secret)
			}
		})
	}
}

func TestMintRefuses(t *testing.T) {
	set := newSet(t, primaryFor("HS256"))
	for name, c := range map[string]struct{ bad, good string }{
		"not JSON":       {`{`, `{}`},
		"an array":       {`[]`, `{}`},
		"repeated claim": {`{"a":1,"a":1}`, `{"a":1,"b":1}`},
		"too large":      {`{"a":"` + strings.Repeat("x", 12300) + `"}`, `{"a":"` + strings.Repeat("x", 12100) + `"}`},
	} {
		if raw, err := set.Mint(c.bad, ""); err == nil {
			t.Errorf("%s: %s", name, raw)
		}
		if _, err := set.Mint(c.good, ""); err != nil {
			t.Errorf("%s: the twin: %v", name, err)
		}
	}
	if _, err := hsSet(t).Mint(`{}`, ""); err == nil {
		t.Error("minted without a primary")
	}
}

func TestServiceToken(t *testing.T) {
	for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		set := newSet(t, primaryFor(alg))
		raw, err := set.ServiceToken(`gw "1"`, "https://hooks.internal", testNow)
		if err != nil {
			t.Fatal(err)
		}
		_, err = set.Verify(raw, testNow)
		wantStage(t, err, StageParse)

		parts := strings.Split(raw, ".")
		header, _ := keys.DecodeBase64URL(parts[0])
		_, kid := set.Primary()
		if want := fmt.Sprintf(`{"alg":%q,"typ":"sc-service+jwt","kid":%q}`, alg, kid); string(header) != want {
			t.Errorf("header %s, want %s", header, want)
		}
		claims, _ := keys.DecodeBase64URL(parts[1])
		if want := `{"id":"gw \"1\"","aud":"https://hooks.internal","role":"SpaceCloud","exp":1700001800}`; string(claims) != want {
			t.Errorf("claims %s, want %s", claims, want)
		}
	}
}

func TestServiceTokenIsReused(t *testing.T) {
	set := newSet(t, primaryFor("ES256")) // each signature is another
	audience := "https://a"
	mint := func(gateway string, now time.Time) string {
		raw, err := set.ServiceToken(gateway, audience, now)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	last := mint("gw", testNow)
	if mint("gw", testNow.Add(serviceReuse-1)) != last {
		t.Error("not reused")
	}
	for _, c := range []struct {
		name, gateway string
		after         time.Duration
	}{
		{"later", "gw", serviceReuse},
		{"another gateway", "gw2", serviceReuse},
		{"a clock set back", "gw2", serviceReuse - 1},
		{"another audience", "gw2", serviceReuse - 1},
	} {
		if c.name == "another audience" {
			audience = "https://b"
		}
		again := mint(c.gateway, testNow.Add(c.after))
		if again == last {
			t.Errorf("%s: reused", c.name)
		}
		last = again
	}
}
