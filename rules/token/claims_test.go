package token

import (
	"fmt"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	now := testNow.Unix()
	for _, c := range []struct {
		claims  string
		leeway  time.Duration
		require bool
		stage   Stage
	}{
		{claims: `{}`},
		{claims: `{}`, require: true, stage: StageTime},
		{claims: `{"exp":%d+1}`, require: true},

		{claims: `{"exp":%d+1}`},
		{claims: `{"exp":%d}`, stage: StageTime},
		{claims: `{"exp":%d}`, leeway: time.Second},
		{claims: `{"exp":%d-1}`, leeway: time.Second, stage: StageTime},
		{claims: `{"exp":%d}`, leeway: time.Nanosecond},
		{claims: `{"exp":%d}`, leeway: -time.Second, stage: StageTime},
		{claims: `{"exp":%d+1}`, leeway: -time.Hour},

		{claims: `{"nbf":%d}`},
		{claims: `{"nbf":%d+1}`, stage: StageTime},
		{claims: `{"nbf":%d+1}`, leeway: time.Second},
		{claims: `{"nbf":%d+2}`, leeway: time.Second, stage: StageTime},
		{claims: `{"iat":%d}`},
		{claims: `{"iat":%d+1}`, stage: StageTime},
		{claims: `{"iat":%d+1}`, leeway: time.Second},
		{claims: `{"iat":%d+1,"nbf":%d-9}`, stage: StageTime},
		{claims: `{"iat":%d-9,"nbf":%d+1}`, stage: StageTime},
		{claims: `{"iat":%d-1,"nbf":%d-1,"exp":%d+1}`},

		// Fractions, exponents, signs.
		{claims: `{"exp":1700000000.5}`},
		{claims: `{"exp":1699999999.5}`, stage: StageTime},
		{claims: `{"nbf":1699999999.5}`},
		{claims: `{"nbf":1700000000.5}`, stage: StageTime},
		{claims: `{"exp":1.7000001e9}`},
		{claims: `{"exp":1.6999999E+9}`, stage: StageTime},
		{claims: `{"exp":0}`, stage: StageTime},
		{claims: `{"exp":-0}`, stage: StageTime},
		{claims: `{"exp":0.0}`, stage: StageTime},
		{claims: `{"exp":-1}`, stage: StageTime},
		{claims: `{"nbf":0,"iat":-1.5}`},

		// Very large and very small.
		{claims: `{"exp":9223372036854775807}`},
		{claims: `{"exp":9223372036854775808}`},
		{claims: `{"exp":1e300}`, leeway: 1 << 62},
		{claims: `{"exp":1e400}`, stage: StageTime},
		{claims: `{"exp":-1e300}`, stage: StageTime},
		{claims: `{"exp":-9223372036854775808}`, stage: StageTime},
		{claims: `{"exp":-1e400}`, stage: StageTime},
		{claims: `{"exp":1e-400}`, stage: StageTime},
		{claims: `{"nbf":1e300}`, stage: StageTime},
		{claims: `{"nbf":9223372036854775807}`, stage: StageTime},
		{claims: `{"nbf":-1e300}`, leeway: 1 << 62},
		{claims: `{"nbf":-9223372036854775808}`},

		// Not numbers.
		{claims: `{"exp":"1700000001"}`, stage: StageTime},
		{claims: `{"exp":null}`, stage: StageTime},
		{claims: `{"exp":true}`, stage: StageTime},
		{claims: `{"exp":[1700000001]}`, stage: StageTime},
		{claims: `{"exp":{}}`, stage: StageTime},
		{claims: `{"exp":"never"}`, stage: StageTime},
		{claims: `{"nbf":"0"}`, stage: StageTime},
		{claims: `{"nbf":null}`, stage: StageTime},
		{claims: `{"iat":"0"}`, stage: StageTime},
		{claims: `{"iat":null}`, stage: StageTime},

		// Only top-level members with the exact names count.
		{claims: `{"x":{"exp":0}}`},
		{claims: `{"Exp":0,"exp ":0,"e\u0078p2":0}`},
		{claims: `{"e\u0078p":0}`, stage: StageTime},
	} {
		claims := sums(c.claims, now)
		t.Run(fmt.Sprintf("%s leeway %s require %t", c.claims, c.leeway, c.require), func(t *testing.T) {
			set, faults := NewSet([]Key{{Alg: "HS256", Secret: testSecret}}, c.leeway, c.require, gocrypto.Crypto())
			if faults != nil {
				t.Fatal(faults)
			}
			_, err := set.Verify(forge(hsHeader, claims), testNow)
			wantStage(t, err, c.stage)
		})
	}
}

// sums replaces %d, %d+n and %d-n in a text by now, and by n more or less.
func sums(text string, now int64) string {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out = append(out, text[i])
			continue
		}
		n := now
		i++ // the d
		if i+2 < len(text) && (text[i+1] == '+' || text[i+1] == '-') {
			by := int64(text[i+2] - '0')
			if text[i+1] == '-' {
				by = -by
			}
			n += by
			i += 2
		}
		out = fmt.Append(out, n)
	}
	return string(out)
}

func TestClaimsCarryTheirTimes(t *testing.T) {
	set, _ := NewSet([]Key{{Name: "own", Alg: "HS256", Secret: testSecret}}, 30*time.Second, false, gocrypto.Crypto())
	text := sums(`{ "exp":%d+9 , "nbf":%d-9,"iat":%d-5}`, testNow.Unix())
	c, err := set.Verify(forge(hsHeader, text), testNow)
	if err != nil {
		t.Fatal(err)
	}
	if c.JSON != text || c.Provider != "own" {
		t.Errorf("got %q of %q", c.JSON, c.Provider)
	}
	if want := testNow.Add(39 * time.Second); !c.Expires.Equal(want) {
		t.Errorf("Expires %v, want %v", c.Expires, want)
	}
	if want := testNow.Add(-35 * time.Second); !c.NotBefore.Equal(want) {
		t.Errorf("NotBefore %v, want %v", c.NotBefore, want)
	}
	c, err = set.Verify(forge(hsHeader, `{}`), testNow)
	if err != nil || !c.Expires.IsZero() || !c.NotBefore.IsZero() {
		t.Errorf("without times: %+v, %v", c, err)
	}
}

func TestAudienceAndIssuer(t *testing.T) {
	key := Key{Alg: "HS256", Secret: testSecret}
	strict := key
	strict.Issuer, strict.Audience = []string{"https://a", "https://b"}, []string{"shop", "pay"}
	for _, c := range []struct {
		key    Key
		claims string
		stage  Stage
	}{
		{key, `{}`, ""},
		{key, `{"iss":7,"aud":null}`, ""}, // not named, not looked at
		{strict, `{"iss":"https://a","aud":"shop"}`, ""},
		{strict, `{"iss":"https://b","aud":["x","pay"]}`, ""},
		{strict, `{"iss":"https://b","aud":["\u0070ay"]}`, ""},

		{strict, `{"iss":"https://a"}`, StageAudience},
		{strict, `{"iss":"https://a","aud":"Shop"}`, StageAudience},
		{strict, `{"iss":"https://a","aud":""}`, StageAudience},
		{strict, `{"iss":"https://a","aud":[]}`, StageAudience},
		{strict, `{"iss":"https://a","aud":["x"]}`, StageAudience},
		{strict, `{"iss":"https://a","aud":["shop",1]}`, StageAudience},
		{strict, `{"iss":"https://a","aud":[1,"shop"]}`, StageAudience},
		{strict, `{"iss":"https://a","aud":[["shop"]]}`, StageAudience},
		{strict, `{"iss":"https://a","aud":{"shop":"shop"}}`, StageAudience},
		{strict, `{"iss":"https://a","aud":null}`, StageAudience},
		{strict, `{"iss":"https://a","aud":true}`, StageAudience},

		{strict, `{"aud":"shop"}`, StageIssuer},
		{strict, `{"aud":"shop","iss":"https://c"}`, StageIssuer},
		{strict, `{"aud":"shop","iss":"https://a/"}`, StageIssuer},
		{strict, `{"aud":"shop","iss":["https://a"]}`, StageIssuer},
		{strict, `{"aud":"shop","iss":null}`, StageIssuer},
		{strict, `{"aud":"shop","iss":""}`, StageIssuer},
	} {
		_, err := newSet(t, c.key).Verify(forge(hsHeader, c.claims), testNow)
		if wantStage(t, err, c.stage); t.Failed() {
			t.Fatalf("claims %s", c.claims)
		}
	}
}
