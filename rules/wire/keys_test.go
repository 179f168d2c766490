package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	now  = time.Unix(1_700_000_000, 0)
	body = []byte(`{"calls":[]}`)
	keys = DeriveKeys("new secret", "old secret")
)

// sign signs a token with any header and claims.
func sign(k Keys, head, claims string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac(k.pairs[0].token, []byte(signed)))
}

const plainHeader = `{"alg":"HS256","typ":"JWT"}`

func claimsWith(old, new string) string {
	sum := sha256.Sum256(body)
	c := `{"iss":"rulegate","aud":"shop","iat":1700000000,"exp":1700000030,"bodySha256":"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"}`
	return strings.Replace(c, old, new, 1)
}

func TestToken(t *testing.T) {
	tok := keys.Token("shop", body, now)
	if want := sign(keys, plainHeader, claimsWith("", "")); tok != want {
		t.Errorf("token %s, want %s", tok, want)
	}
	dot := strings.LastIndexByte(tok, '.')
	last := tok[:len(tok)-1] + string("AB"[(tok[len(tok)-1]&1)])
	for _, c := range []struct {
		name    string
		keys    Keys
		project string
		token   string
		body    string
		at      time.Duration
		good    bool
	}{
		{"as made", keys, "shop", tok, "", 0, true},
		{"another body", keys, "shop", tok, `{"calls":[] }`, 0, false},
		{"no body", keys, "shop", tok, "\x00", 0, false},
		{"another project", keys, "shop2", tok, "", 0, false},
		{"of no project, for none", keys, "", keys.Token("", body, now), "", 0, true},
		{"of no project, for one", keys, "shop", keys.Token("", body, now), "", 0, false},
		{"of a project, for none", keys, "", tok, "", 0, false},
		{"no audience, for no project", keys, "", sign(keys, plainHeader, claimsWith(`"aud":"shop",`, ``)), "", 0, false},
		{"audience null, for no project", keys, "", sign(keys, plainHeader, claimsWith(`"shop"`, `null`)), "", 0, false},
		{"just before its end", keys, "shop", tok, "", TokenLife - time.Second, true},
		{"at its end", keys, "shop", tok, "", TokenLife, false},
		{"later", keys, "shop", tok, "", time.Hour, false},
		{"a clock slightly behind", keys, "shop", tok, "", -TokenSkew, true},
		{"a clock far behind", keys, "shop", tok, "", -TokenSkew - time.Second, false},

		{"the old secret alone verifies what the new one signed", DeriveKeys("old secret"), "shop", tok, "", 0, false},
		{"the old secret's token while both are valid", keys, "shop", DeriveKeys("old secret").Token("shop", body, now), "", 0, true},
		{"the new secret's token where it is second", DeriveKeys("old secret", "new secret"), "shop", tok, "", 0, true},
		{"another secret", DeriveKeys("new secret "), "shop", tok, "", 0, false},
		{"no keys", Keys{}, "shop", tok, "", 0, false},
		{"keys of an empty secret", DeriveKeys(""), "shop", tok, "", 0, false},
		{"signed by the key of seals", Keys{pairs: []pair{{token: keys.pairs[0].seal}}}, "shop", tok, "", 0, false},
		{"signed by the secret itself", keys, "shop", sign(Keys{pairs: []pair{{token: []byte("new secret")}}}, plainHeader, claimsWith("", "")), "", 0, false},

		{"alg none", keys, "shop", sign(keys, `{"alg":"none","typ":"JWT"}`, claimsWith("", "")), "", 0, false},
		{"alg none, unsigned", keys, "shop", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + tok[strings.IndexByte(tok, '.'):dot+1], "", 0, false},
		{"alg HS512", keys, "shop", sign(keys, `{"alg":"HS512","typ":"JWT"}`, claimsWith("", "")), "", 0, false},
		{"alg written otherwise", keys, "shop", sign(keys, `{"typ":"JWT","alg":"HS256"}`, claimsWith("", "")), "", 0, false},
		{"with a kid", keys, "shop", sign(keys, `{"alg":"HS256","typ":"JWT","kid":"1"}`, claimsWith("", "")), "", 0, false},

		{"without its signature", keys, "shop", tok[:dot+1], "", 0, false},
		{"without a part", keys, "shop", tok[:dot], "", 0, false},
		{"other bits at the signature's end", keys, "shop", last, "", 0, false},
		{"padded", keys, "shop", tok + "=", "", 0, false},
		{"another part", keys, "shop", tok + ".", "", 0, false},
		{"empty", keys, "shop", "", "", 0, false},
		{"long", keys, "shop", sign(keys, plainHeader, claimsWith(`{`, `{"x":"`+strings.Repeat("x", 4000)+`",`)), "", 0, false},

		{"claims signed by hand", keys, "shop", sign(keys, plainHeader, claimsWith("", "")), "", 0, true},
		{"repeated claim", keys, "shop", sign(keys, plainHeader, claimsWith(`"aud":"shop"`, `"aud":"shop","aud":"shop"`)), "", 0, false},
		{"repeated claim in other letters", keys, "shop", sign(keys, plainHeader, claimsWith(`"aud":"shop"`, `"aud":"x","\u0061ud":"shop"`)), "", 0, false},
		{"no issuer", keys, "shop", sign(keys, plainHeader, claimsWith(`"iss":"rulegate",`, ``)), "", 0, false},
		{"another issuer", keys, "shop", sign(keys, plainHeader, claimsWith(`rulegate`, `somebody`)), "", 0, false},
		{"audience in an array", keys, "shop", sign(keys, plainHeader, claimsWith(`"shop"`, `["shop"]`)), "", 0, false},
		{"no exp", keys, "shop", sign(keys, plainHeader, claimsWith(`"exp":1700000030,`, ``)), "", 0, false},
		{"exp as text", keys, "shop", sign(keys, plainHeader, claimsWith(`1700000030`, `"1700000030"`)), "", 0, false},
		{"exp with an exponent", keys, "shop", sign(keys, plainHeader, claimsWith(`1700000030`, `17e99`)), "", 0, false},
		{"lives a second longer", keys, "shop", sign(keys, plainHeader, claimsWith(`1700000030`, `1700000031`)), "", 0, false},
		{"lives a second less", keys, "shop", sign(keys, plainHeader, claimsWith(`1700000030`, `1700000029`)), "", 0, true},
		{"no iat", keys, "shop", sign(keys, plainHeader, claimsWith(`"iat":1700000000,`, ``)), "", 0, false},
		{"iat after exp", keys, "shop", sign(keys, plainHeader, claimsWith(`1700000030`, `1699999999`)), "", -time.Hour, false},
		{"no body hash", keys, "shop", sign(keys, plainHeader, claimsWith(`bodySha256`, `other`)), "", 0, false},
		{"body hash with padding", keys, "shop", sign(keys, plainHeader, claimsWith(`"}`, `="}`)), "", 0, false},
		{"claims that are no object", keys, "shop", sign(keys, plainHeader, `["iss"]`), "", 0, false},
		{"claims in claims", keys, "shop", sign(keys, plainHeader, claimsWith(`{`, `{"a":{},`)), "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := body
			if c.body != "" {
				b = []byte(c.body)
			}
			err := c.keys.CheckToken(c.project, c.token, b, now.Add(c.at))
			if (err == nil) != c.good {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTokenOfNoKeysIsEmpty(t *testing.T) {
	if tok := (Keys{}).Token("shop", body, now); tok != "" {
		t.Errorf("token %q", tok)
	}
	if (Bound{}).Covers(nil) {
		t.Error("the zero Bound covers a body")
	}
}

func TestSeal(t *testing.T) {
	reply := []byte(`{"replies":[]}`)
	seal := keys.Seal(body, reply)
	for _, c := range []struct {
		name           string
		keys           Keys
		request, reply string
		seal           string
		good           bool
	}{
		{"as made", keys, string(body), string(reply), seal, true},
		{"another reply", keys, string(body), `{"replies":[] }`, seal, false},
		{"the reply to another request", keys, `{"calls":[1]}`, string(reply), seal, false},
		{"a byte moved from one to the other", keys, string(body) + "{", string(reply[1:]), seal, false},
		{"no seal", keys, string(body), string(reply), "", false},
		{"no keys", Keys{}, string(body), string(reply), seal, false},
		{"no keys, no seal", Keys{}, string(body), string(reply), Keys{}.Seal(body, reply), false},
		{"another secret", DeriveKeys("other"), string(body), string(reply), seal, false},
		{"a module that knows the old secret alone", DeriveKeys("old secret"), string(body), string(reply), seal, true},
		{"a module that knows the new secret alone", DeriveKeys("new secret"), string(body), string(reply), seal, true},
		{"a companion that knows the old secret alone", keys, string(body), string(reply), DeriveKeys("old secret").Seal(body, reply), true},
		{"among others", keys, string(body), string(reply), "x,," + seal, true},
		{"among too many", keys, string(body), string(reply), "a,b,c,d," + seal, false},
		{"cut short", keys, string(body), string(reply), seal[:42], false},
		{"the request's token", keys, string(body), string(reply), keys.Token("shop", body, now), false},
		{"made with the key of tokens", keys, string(body), string(reply), Keys{pairs: []pair{{seal: keys.pairs[0].token}}}.Seal(body, reply), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.keys.CheckSeal([]byte(c.request), []byte(c.reply), c.seal)
			if (err == nil) != c.good {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestKeysAreHKDF computes RFC 5869 itself: extract with a salt of zeros, expand to
// one block.
func TestKeysAreHKDF(t *testing.T) {
	hash := func(key, data []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(data)
		return h.Sum(nil)
	}
	prk := hash(make([]byte, 32), []byte("new secret"))
	for info, got := range map[string][]byte{tokenInfo: keys.pairs[0].token, sealInfo: keys.pairs[0].seal} {
		if want := hash(prk, []byte(info+"\x01")); hex.EncodeToString(got) != hex.EncodeToString(want) {
			t.Errorf("%s: %x, want %x", info, got, want)
		}
	}
	if n := len(keys.pairs); n != 2 {
		t.Errorf("%s keys", strconv.Itoa(n))
	}
}
