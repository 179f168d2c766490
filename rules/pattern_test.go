package rules

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

var patternSeeds = []string{
	"", "abc", "^a.*b$", `\d{3}-[a-z]+`, "(a|b)*a(a|b){4}", `[^\]a-z]?x`, "(^a|b$)", "(a{2,3}){2}", "(a*)*b", "^$", "a|", "[é-ü]+", `\W\S\D`, ".{3}", "^(a|$)", "x$|^y", "(a{0})b", "[^a]{2}$",
}

// TestMatches compares matching with Go's regexp on texts of a small alphabet.
func TestMatches(t *testing.T) {
	alphabet := []string{"a", "b", "c", "x", "1", "-", "\n", "é", " "}
	for _, p := range patternSeeds {
		m, err := compilePattern(p)
		if err != nil {
			t.Fatalf("%q: %v", p, err)
		}
		want := regexp.MustCompile(p)
		n := len(alphabet)
		for i := range n * n * n * n {
			text := ""
			for ; i > 0; i /= n {
				text += alphabet[i%n]
			}
			if got, _, err := m.match(text, maxWork); err != nil || got != want.MatchString(text) {
				t.Fatalf("%q on %q: %v %v", p, text, got, err)
			}
		}
	}
}

// FuzzMatches: a pattern matches the texts that Go's regexp matches.
func FuzzMatches(f *testing.F) {
	for _, p := range patternSeeds {
		f.Add(p, "aab-123é\nx")
	}
	f.Add("x.{50}y", strings.Repeat("x", 60)+"y")
	f.Fuzz(func(t *testing.T, p, text string) {
		m, err := compilePattern(p)
		if err != nil {
			return
		}
		want, err := regexp.Compile(p)
		if err != nil {
			t.Fatalf("%q: %v", p, err)
		}
		got, _, err := m.match(text, maxWork)
		if err == nil && got != want.MatchString(text) {
			t.Errorf("%q on %q: got %v", p, text, got)
		}
	})
}

// A pattern of 1,000 characters takes a time that grows with the text alone.
func TestMatchesInLinearTime(t *testing.T) {
	text := strings.Repeat("ab", 1<<19)
	for name, p := range map[string]string{
		"literals":     strings.Repeat("ab", 499) + "c",
		"alternatives": strings.Repeat("(ab|ba)", 142) + "c",
		"classes":      strings.Repeat("[a-c]", 199) + "d",
		"loops":        strings.Repeat("(a|b)*", 166) + "c",
		"counts":       "(a|b){255}(a|b){255}(a|b){255}c",
		"window":       "a.{200}c",
	} {
		m, err := compilePattern(p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		start := time.Now()
		if got, _, err := m.match(text, maxWork); got || err != nil {
			t.Errorf("%s: %v %v", name, got, err)
		}
		t.Logf("%s: %v, all states known: %v", name, time.Since(start), m.known != nil)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: 1 MiB took %v", name, took)
		}
	}
}

// A text that leads to ever new states is given up, and does not hold the thread.
func TestMatchesGivesUp(t *testing.T) {
	m, err := compilePattern("x.{200}y")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i, state := 0, uint32(1); i < 1<<20; i++ {
		state = state*1664525 + 1013904223
		text.WriteByte("xz"[state>>31])
	}
	start := time.Now()
	if got, _, err := m.match(text.String(), maxWork); err != errWork {
		t.Errorf("%v %v", got, err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if got, _, err := m.match(text.String()[:1000]+"y", maxWork); err != nil {
		t.Errorf("a short text: %v %v", got, err)
	}
}

func TestPatternsThatAreTooLarge(t *testing.T) {
	if _, err := compilePattern(strings.Repeat("a{255}", 30)); err == nil {
		t.Error("30 times 255 characters are taken")
	}
	if err := CheckPattern(strings.Repeat("a{255}", 30)); err != nil {
		t.Errorf("a database reads it: %v", err)
	}
}

func BenchmarkMatches(b *testing.B) {
	m, err := compilePattern("^[a-z0-9._]+@([a-z0-9-]+\\.)+[a-z]{2,}$")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, _, _ := m.match("ana.maria@mail.example.com", maxWork); !ok {
			b.Fatal("no match")
		}
	}
}
