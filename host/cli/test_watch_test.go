package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// syncBuffer is a buffer that two goroutines use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.b.String(), text)
}

// --watch runs the tests again when the policy or the tests change, also after a fault,
// and ends with its context.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("policy.yaml", "routes: [{match: {path: /}, auth: none, rule: {rule: deny}}]\n")
	write("policy_test.yaml", "tests: [{request: GET /, want: 403}]\n")
	cmd := newTestCommand()
	var out, log syncBuffer
	cmd.SetOut(&out)
	cmd.SetErr(&log)
	f := &testFlags{format: "text", mutants: 1, watch: true}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- watchTests(ctx, cmd, []string{dir}, f) }()
	await := func(b *syncBuffer, text string, n int) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); b.count(text) < n; {
			if time.Now().After(end) {
				t.Fatalf("%q was not printed %d times:\n%s%s", text, n, out.b.String(), log.b.String())
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	await(&log, "waits for a change", 1)
	await(&out, "ok  \t", 1)
	write("policy.yaml", "routes: [{match: {path: /}, auth: none, rule: {rule: allow}}]\n")
	await(&log, "waits for a change", 2)
	await(&out, "want 403, got allow", 1)
	write("policy_test.yaml", "tests: [{request: GET /}]\n")
	await(&log, "waits for a change", 3)
	await(&log, "asserts nothing", 1)
	write("policy_test.yaml", "tests: [{request: GET /, want: allow}]\n")
	await(&log, "waits for a change", 4)
	await(&out, "ok  \t", 2)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
