package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A bar appears when the work takes long, and leaves no trace of itself.
func TestBar(t *testing.T) {
	var screen bytes.Buffer
	b := &bar{out: &screen, noun: "test", start: time.Now()}
	b.set(1, 10)
	if screen.Len() > 0 {
		t.Errorf("too early: %q", screen.String())
	}
	b.start = time.Now().Add(-time.Minute)
	b.set(5, 10)
	if want := "[===============               ] 5 of 10 tests"; !strings.HasSuffix(screen.String(), want) {
		t.Errorf("%q, want %q", screen.String(), want)
	}
	fmt.Fprintln(b.above(&screen), "a line")
	b.set(10, 10)
	b.end()
	if got := shown(screen.String()); got != "a line\n" {
		t.Errorf("%q", got)
	}
	// Elsewhere than on a terminal there is none.
	var file bytes.Buffer
	b = newBar(&file, "test")
	b.start = time.Now().Add(-time.Minute)
	b.set(5, 10)
	if b.end(); file.Len() > 0 {
		t.Errorf("%q", file.String())
	}
}

// shown returns the text that a terminal shows in the end: each line from its last start.
func shown(text string) (out string) {
	for line := range strings.Lines(text) {
		parts := strings.Split(line, "\r\x1b[K")
		out += parts[len(parts)-1]
	}
	return out
}
