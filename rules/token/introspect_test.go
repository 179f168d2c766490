package token

import (
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
)

func opaqueSet(t *testing.T, leeway time.Duration, cache ...time.Duration) *Set {
	t.Helper()
	entries := []Key{{Name: "own", Alg: "HS256", Secret: testSecret}}
	for _, c := range cache {
		entries = append(entries, Key{Name: "id", Introspect: true, Cache: c})
	}
	s, faults := NewSet(entries, leeway, false, keys.Crypto{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return s
}

func TestIntrospections(t *testing.T) {
	s := opaqueSet(t, 0, 0, 0)
	for _, tt := range []struct {
		raw   string
		takes string
		want  int
	}{
		{"opaque", "id", 2}, {"opaque", "own", 0}, {"a.b.c", "id", 2}, {strings.Repeat("x", maxToken), "id", 2},
		{strings.Repeat("x", maxToken+1), "id", 0}, {"", "id", 0}, {"a b", "id", 0}, {"a\x00b", "id", 0}, {"ä", "id", 0}, {"\xff", "id", 0},
	} {
		if got := s.Introspections(tt.raw, func(p string) bool { return p == tt.takes }); len(got) != tt.want {
			t.Errorf("%.20q for %s: %v", tt.raw, tt.takes, got)
		}
	}
	var none *Set
	if got := none.Introspections("opaque", nil); got != nil {
		t.Error(got)
	}
	if _, err := s.Introspected(2, `{"active":true}`, testNow); err == nil {
		t.Error("an entry that is not there accepts")
	}
}

// An answer counts until the entry's cache has passed since the question, and never
// beyond exp, the leeway notwithstanding.
func TestAnswersInTheCache(t *testing.T) {
	const leeway = time.Hour
	for _, tt := range []struct {
		name, answer string
		cache        time.Duration
		lasts        time.Duration // 0: not at all
	}{
		{"no cache", `{"active":true}`, 0, 0},
		{"no exp", `{"active":true}`, 30 * time.Second, 30 * time.Second},
		{"exp later", `{"active":true,"exp":1700000100}`, 30 * time.Second, 30 * time.Second},
		{"exp sooner", `{"active":true,"exp":1700000010}`, 30 * time.Second, 10 * time.Second},
		{"exp over, within the leeway", `{"active":true,"exp":1699999990}`, 30 * time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := opaqueSet(t, leeway, tt.cache, tt.cache), NewCache(8)
			if _, ok := c.Introspection(s, 0, "opaque", testNow); ok {
				t.Fatal("an answer before the question")
			}
			claims, err := c.Introspected(s, 0, "opaque", tt.answer, testNow)
			if err != nil || claims.JSON != tt.answer || claims.Provider != "id" {
				t.Fatal(claims, err)
			}
			for _, at := range []time.Duration{0, tt.lasts - 1, tt.lasts, tt.lasts + 1} {
				claims, ok := c.Introspection(s, 0, "opaque", testNow.Add(at))
				if ok != (at < tt.lasts && at >= 0) || ok && claims.JSON != tt.answer {
					t.Errorf("after %v: %v %v", at, ok, claims)
				}
				if at == tt.lasts { // it was removed
					break
				}
			}
			for i, raw := range []string{"opaque2", "opaque"} {
				if _, ok := c.Introspection(s, i, raw, testNow); ok && i == 0 {
					t.Error("the answer about another token counts")
				}
			}
			if _, ok := c.Introspection(s, 1, "opaque", testNow); ok {
				t.Error("the answer to another entry counts")
			}
			if _, err := c.Verify(s, answerKey(0, "opaque"), testNow, nil, nil); err == nil {
				t.Error("the answer's key is taken for a token")
			}
		})
	}
}

// Answers that refuse, and texts that are no answers, are not kept.
func TestAnswersThatAreNotKept(t *testing.T) {
	s, c := opaqueSet(t, 0, time.Minute), NewCache(8)
	for answer, refused := range map[string]bool{
		`{"active":false}`: true, `{"active":true,"exp":1}`: true, `{"active":true,"typ":"Refresh"}`: true,
		`{"active":1}`: false, `{}`: false, `true`: false, ``: false, `{"active":true}x`: false, `{"active":true,"active":true}`: false,
		`{"active":true,"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`: false,
	} {
		_, err := c.Introspected(s, 0, "opaque", answer, testNow)
		_, isRefusal := err.(*Error)
		if err == nil || isRefusal != refused {
			t.Errorf("%.40s: %v", answer, err)
		}
		if _, ok := c.Introspection(s, 0, "opaque", testNow); ok {
			t.Errorf("%.40s is kept", answer)
		}
	}
}
