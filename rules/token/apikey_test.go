package token

import (
	"crypto/sha256"
	"encoding/hex"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"strings"
	"testing"
	"time"
)

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func TestAPIKey(t *testing.T) {
	s := newSet(t,
		Key{Name: "own", Alg: "HS256", Secret: testSecret},
		Key{Name: "services", APIKeyHeader: "x-api-key", APIKeys: []APIKey{
			{hashOf("key of billing"), `{"id":"billing"}`},
			{strings.ToUpper(hashOf("key of reports")), `{"id":"reports","nbf":1700000010,"exp":1700000100}`},
		}},
		Key{Name: "partners", APIKeyHeader: "partner-key", APIKeys: []APIKey{{hashOf("key of acme"), `{}`}}})
	only := func(name string) func(string) bool { return func(p string) bool { return p == name } }
	for _, tt := range []struct {
		name, header, key string
		at                time.Duration
		takes             func(string) bool
		stage             Stage // "": accepted
		provider, claims  string
	}{
		{name: "a key", header: "x-api-key", key: "key of billing", provider: "services", claims: `{"id":"billing"}`},
		{name: "of the provider", header: "x-api-key", key: "key of billing", takes: only("services"), provider: "services", claims: `{"id":"billing"}`},
		{name: "of another provider", header: "x-api-key", key: "key of billing", takes: only("own"), stage: StageProvider},
		{name: "another header", header: "partner-key", key: "key of acme", provider: "partners", claims: `{}`},
		{name: "in the header of others", header: "x-api-key", key: "key of acme", stage: StageKey},
		{name: "no such key", header: "x-api-key", key: "key of billing ", stage: StageKey},
		{name: "the hash", header: "x-api-key", key: hashOf("key of billing"), stage: StageKey},
		{name: "empty", header: "x-api-key", stage: StageKey},
		{name: "too long", header: "x-api-key", key: strings.Repeat("k", maxAPIKey+1), stage: StageParse},
		{name: "not valid yet", header: "x-api-key", key: "key of reports", stage: StageTime},
		{name: "valid", header: "x-api-key", key: "key of reports", at: 10 * time.Second, provider: "services",
			claims: `{"id":"reports","nbf":1700000010,"exp":1700000100}`},
		{name: "ended", header: "x-api-key", key: "key of reports", at: 100 * time.Second, stage: StageTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := s.APIKey(tt.header, tt.key, testNow.Add(tt.at), tt.takes)
			wantStage(t, err, tt.stage)
			if c.Provider != tt.provider || c.JSON != tt.claims {
				t.Errorf("%+v", c)
			}
		})
	}
	var none *Set
	_, err := none.APIKey("x-api-key", "key of billing", testNow, nil)
	wantStage(t, err, StageKey)
	if _, err = s.Verify("key of billing", testNow); err == nil {
		t.Error("an API key is taken for a token")
	}
}

func TestAPIKeyFaults(t *testing.T) {
	keys := []APIKey{{hashOf("a"), `{"exp":1,"exp":2}`}, {hashOf("b"), `[]`}, {hashOf("a"), `{"exp":"1"}`}, {hashOf("c")[:62], `{"iat":null}`}, {hashOf("d"), `{"id":"d"}`}}
	set, faults := NewSet([]Key{{APIKeyHeader: "x-api-key", APIKeys: keys}}, 0, true, gocrypto.Crypto())
	var got []string
	for _, f := range faults {
		got = append(got, f.Field+": "+f.Message)
	}
	want := []string{
		"apiKeys.keys[0].claims: offset 9: repeated key",
		"apiKeys.keys[1].claims: want an object, found array",
		"apiKeys.keys[2].claims: exp: want a number of seconds",
		"apiKeys.keys[2].sha256: entry 0 has this key already",
		"apiKeys.keys[3].claims: iat: want a number of seconds",
		"apiKeys.keys[3].sha256: want 64 hex digits, the SHA-256 of the key: `rulegate token apikey` prints them",
		"apiKeys.keys[4].claims: exp: missing, and auth.requireExpiry is set",
	}
	if set != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%v\n%s", set, strings.Join(got, "\n"))
	}
}
