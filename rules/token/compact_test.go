package token

import (
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"strings"
	"testing"
)

// Each row has a token that is refused and a twin, one step away, that is accepted.
func TestMalformedTokens(t *testing.T) {
	pub := keytest.RSA().PublicPEM
	set := newSet(t,
		Key{Name: "own", Alg: "HS256", Secret: testSecret},
		Key{Name: "named", Alg: "HS256", Secret: "another", Kid: "k1"},
		Key{Name: "partner", Alg: "RS256", PublicKey: pub, Kid: "p1"},
	)
	ok := forge(hsHeader, `{"id":"1"}`)
	seg := strings.Split(ok, ".")
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	padded := func(n int) string { return forge(hsHeader, `{"id":"`+strings.Repeat("x", n)+`"}`) }

	for _, c := range []struct {
		name, bad string
		stage     Stage
		good      string
	}{
		{"empty", "", StageParse, ok},
		{"one segment", seg[0], StageParse, ok},
		{"two segments", seg[0] + "." + seg[1], StageParse, ok},
		{"four segments", ok + ".", StageParse, ok},
		{"five segments, a JWE", ok + ".." + seg[2], StageParse, ok},
		{"only dots", "..", StageParse, ok},
		{"JSON serialization", `{"payload":"` + seg[1] + `"}`, StageParse, ok},
		{"leading space", " " + ok, StageParse, ok},
		{"trailing space", ok + " ", StageParse, ok},
		{"trailing line break", ok + "\n", StageParse, ok},
		{"line break in the payload", seg[0] + "." + seg[1][:4] + "\r\n" + seg[1][4:] + "." + seg[2], StageParse, ok},
		{"larger than 16 KiB", padded(12300), StageParse, padded(12200)},

		{"header padded", seg[0] + "=." + seg[1] + "." + seg[2], StageParse, ok},
		{"payload padded", seg[0] + "." + seg[1] + "=." + seg[2], StageParse, ok},
		{"signature padded", ok + "=", StageParse, ok},
		{"standard alphabet", resign(seg[0], base64StdOf(">>>?")), StageParse, forge(hsHeader, `{">>>?":1}`)},
		{"not canonical", resign(seg[0], b64(`{"id":"12"}`)[:14]+"R"), StageParse, forge(hsHeader, `{"id":"12"}`)},
		{"signature not canonical", ok[:len(ok)-1] + nextLetter(ok[len(ok)-1]), StageParse, ok},
		{"a letter too many", seg[0] + "." + seg[1] + "." + seg[2] + "AA", StageParse, ok},

		{"header not JSON", forge(`{"alg":"HS256"`, `{}`), StageParse, forge(`{"alg":"HS256"}`, `{}`)},
		{"header an array", forge(`["alg","HS256"]`, `{}`), StageParse, forge(`{"alg":"HS256"}`, `{}`)},
		{"header with trailing text", forge(`{"alg":"HS256"} {}`, `{}`), StageParse, forge(`{"alg":"HS256"} `, `{}`)},
		{"header repeats alg", forge(`{"alg":"HS256","alg":"HS256"}`, `{}`), StageParse, forge(`{"alg":"HS256","Alg":"HS256"}`, `{}`)},
		{"header repeats alg, escaped", forge(`{"alg":"HS256","\u0061lg":"HS256"}`, `{}`), StageParse, forge(`{"\u0061lg":"HS256"}`, `{}`)},
		{"header too deep", forge(`{"alg":"HS256","x":`+deep(64)+`}`, `{}`), StageParse, forge(`{"alg":"HS256","x":`+deep(63)+`}`, `{}`)},
		{"header not UTF-8", forge("{\"alg\":\"HS256\",\"x\":\"\xff\"}", `{}`), StageParse, forge(`{"alg":"HS256","x":"ÿ"}`, `{}`)},

		{"no alg", forge(`{"typ":"JWT"}`, `{}`), StageParse, ok},
		{"alg null", forge(`{"alg":null}`, `{}`), StageParse, ok},
		{"alg a number", forge(`{"alg":256}`, `{}`), StageParse, ok},
		{"alg an array", forge(`{"alg":["HS256"]}`, `{}`), StageParse, ok},
		{"alg empty", forge(`{"alg":""}`, `{}`), StageKey, ok},
		{"alg none, unsigned", b64(`{"alg":"none"}`) + "." + seg[1] + ".", StageKey, ok},
		{"alg none, signed", forge(`{"alg":"none"}`, `{}`), StageKey, ok},
		{"alg None", forge(`{"alg":"None"}`, `{}`), StageKey, ok},
		{"alg in lower case", forge(`{"alg":"hs256"}`, `{}`), StageKey, ok},
		{"alg with a space", forge(`{"alg":"HS256 "}`, `{}`), StageKey, ok},
		{"alg of no key", forge(`{"alg":"HS512"}`, `{}`), StageKey, ok},
		{"HS signed with a public key's text", forgeWith(pub, hsHeader, `{}`), StageSignature, ok},
		{"HS signed with a public key's text, its kid", forgeWith(pub, `{"alg":"HS256","kid":"p1"}`, `{}`), StageKey, ok},
		{"RS256 with an HS signature", forgeWith(pub, `{"alg":"RS256"}`, `{}`), StageSignature, ok},

		{"kid of nobody", forge(`{"alg":"HS256","kid":"k2"}`, `{}`), StageKey, forgeWith("another", `{"alg":"HS256","kid":"k1"}`, `{}`)},
		{"kid of another key", forge(`{"alg":"HS256","kid":"k1"}`, `{}`), StageSignature, forgeWith("another", `{"alg":"HS256","kid":"k1"}`, `{}`)},
		{"kid empty", forge(`{"alg":"HS256","kid":""}`, `{}`), StageKey, ok},
		{"kid null", forge(`{"alg":"HS256","kid":null}`, `{}`), StageKey, ok},
		{"kid a number", forge(`{"alg":"HS256","kid":1}`, `{}`), StageKey, ok},
		{"kid an array", forge(`{"alg":"HS256","kid":["k1"]}`, `{}`), StageKey, ok},
		{"kid in another case", forgeWith("another", `{"alg":"HS256","kid":"K1"}`, `{}`), StageKey, forgeWith("another", `{"alg":"HS256","kid":"k1"}`, `{}`)},

		{"crit", forge(`{"alg":"HS256","crit":["exp"],"exp":1}`, `{}`), StageParse, forge(`{"alg":"HS256","exp":1}`, `{}`)},
		{"crit empty", forge(`{"alg":"HS256","crit":[]}`, `{}`), StageParse, ok},
		{"crit null", forge(`{"alg":"HS256","crit":null}`, `{}`), StageParse, ok},
		{"crit b64", forge(`{"alg":"HS256","crit":["b64"],"b64":true}`, `{}`), StageParse, ok},

		{"a service token", forge(`{"alg":"HS256","typ":"sc-service+jwt"}`, `{}`), StageParse, forge(`{"alg":"HS256","typ":"JWT"}`, `{}`)},
		{"a service token, with prefix", forge(`{"alg":"HS256","typ":"application/sc-service+jwt"}`, `{}`), StageParse, forge(`{"alg":"HS256","typ":"application/jwt"}`, `{}`)},
		{"a service token, in another case", forge(`{"alg":"HS256","typ":"Application/SC-Service+JWT"}`, `{}`), StageParse, forge(`{"alg":"HS256","typ":7}`, `{}`)},

		{"signature empty", seg[0] + "." + seg[1] + ".", StageSignature, ok},
		{"signature cut", seg[0] + "." + seg[1] + "." + b64("short"), StageSignature, ok},
		{"signature of another header", b64(`{"alg":"HS256","x":1}`) + "." + seg[1] + "." + seg[2], StageSignature, ok},
		{"signature of another payload", seg[0] + "." + b64(`{"id":"2"}`) + "." + seg[2], StageSignature, ok},
		{"signed with another secret", forgeWith("guess", hsHeader, `{"id":"1"}`), StageSignature, ok},

		{"payload empty", forge(hsHeader, ``), StageClaims, forge(hsHeader, `{}`)},
		{"payload not JSON", forge(hsHeader, `{'id':1}`), StageClaims, forge(hsHeader, `{"id":1}`)},
		{"payload an array", forge(hsHeader, `[{}]`), StageClaims, forge(hsHeader, `{}`)},
		{"payload a string", forge(hsHeader, `"{}"`), StageClaims, forge(hsHeader, `{}`)},
		{"payload null", forge(hsHeader, `null`), StageClaims, forge(hsHeader, `{}`)},
		{"payload with trailing text", forge(hsHeader, `{}{}`), StageClaims, forge(hsHeader, `{}`)},
		{"payload repeats a claim", forge(hsHeader, `{"role":"a","role":"b"}`), StageClaims, forge(hsHeader, `{"role":"a","Role":"b"}`)},
		{"payload repeats a claim inside", forge(hsHeader, `{"x":{"a":1,"\u0061":2}}`), StageClaims, forge(hsHeader, `{"x":{"a":1},"a":2}`)},
		{"payload not UTF-8", forge(hsHeader, "{\"a\":\"\xc0\x80\"}"), StageClaims, forge(hsHeader, `{"a":"\u0000"}`)},
		{"payload with half a surrogate", forge(hsHeader, `{"a":"\ud800"}`), StageClaims, forge(hsHeader, `{"a":"\ud83d\ude00"}`)},
		{"payload too deep", forge(hsHeader, `{"a":`+deep(64)+`}`), StageClaims, forge(hsHeader, `{"a":`+deep(63)+`}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := set.Verify(c.bad, testNow)
			wantStage(t, err, c.stage)
			if _, err := set.Verify(c.good, testNow); err != nil {
				t.Errorf("the twin is refused: %v", err)
			}
		})
	}
}

// resign signs two segments without encoding them.
func resign(header, payload string) string {
	signed := header + "." + payload
	return signed + "." + hs256(testSecret, signed)
}

// base64StdOf encodes a claim with + and / where base64url has - and _.
func base64StdOf(name string) string {
	return strings.NewReplacer("-", "+", "_", "/").Replace(b64(`{"` + name + `":1}`))
}

// nextLetter changes the unused bits of a segment's last letter.
func nextLetter(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)|1])
}

// Keys in a token's header are ignored.
func TestEmbeddedKeysAreNotFollowed(t *testing.T) {
	set := hsSet(t)
	const own = `"jwk":{"kty":"oct","k":"Z3Vlc3M"},"jku":"https://evil.example/keys","x5u":"https://evil.example/cert","x5c":["MIIB"]`
	_, err := set.Verify(forgeWith("guess", `{"alg":"HS256",`+own+`}`, `{}`), testNow)
	wantStage(t, err, StageSignature)
	_, err = set.Verify(forgeWith(testSecret, `{"alg":"HS256",`+own+`}`, `{}`), testNow)
	wantStage(t, err, "")
}

// A log line must not let its reader replay the token or read its claims.
func TestMessagesTellNothing(t *testing.T) {
	set := newSet(t, Key{Alg: "HS256", Secret: testSecret, Issuer: []string{"i"}, Audience: []string{"a"}})
	const mark = "T0PSECRET"
	for name, raw := range map[string]string{
		"claim value":  forge(hsHeader, `{"aud":"`+mark+`","iss":"`+mark+`"}`),
		"issuer":       forge(hsHeader, `{"aud":"a","iss":"`+mark+`"}`),
		"exp":          forge(hsHeader, `{"exp":"`+mark+`"}`),
		"broken claim": forge(hsHeader, `{"a":`+mark+`}`),
		"signature":    b64(hsHeader) + "." + b64(mark) + "." + mark,
	} {
		_, err := set.Verify(raw, testNow)
		if err == nil || strings.Contains(err.Error(), mark) || strings.Contains(err.Error(), b64(mark)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := set.Verify(forge(`{"alg":"HS256","kid":"`+strings.Repeat("k", 500)+`\n"}`, `{}`), testNow)
	if err == nil || len(err.Error()) > 250 || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "add kid") {
		t.Errorf("a long kid: %v", err)
	}
}
