package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// bar is a progress bar on a terminal. It appears when the work takes long. Elsewhere
// than on a terminal it is nothing.
type bar struct {
	out   io.Writer // nil: no terminal
	noun  string
	start time.Time

	mu    sync.Mutex
	shown bool
	last  time.Time
}

const (
	barAfter = 500 * time.Millisecond
	barEvery = 100 * time.Millisecond
	barWidth = 30
)

func newBar(stderr io.Writer, noun string) *bar {
	b := &bar{noun: noun, start: time.Now()}
	if isTerminal(stderr) {
		b.out = stderr
	}
	return b
}

// isTerminal reports whether a writer is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// set shows how much is done.
func (b *bar) set(done, all int) {
	if b.out == nil || all == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.start) < barAfter || now.Sub(b.last) < barEvery && done < all {
		return
	}
	full := barWidth * done / all
	fmt.Fprintf(b.out, "\r\x1b[K[%s%s] %d of %s", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), done, counted(all, b.noun))
	b.shown, b.last = true, now
}

// end removes the bar.
func (b *bar) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
}

func (b *bar) clear() {
	if b.shown {
		fmt.Fprint(b.out, "\r\x1b[K")
		b.shown, b.last = false, time.Time{}
	}
}

// above returns a writer that writes to w above the bar.
func (b *bar) above(w io.Writer) io.Writer { return aboveBar{b, w} }

type aboveBar struct {
	bar *bar
	w   io.Writer
}

func (a aboveBar) Write(p []byte) (int, error) {
	a.bar.mu.Lock()
	defer a.bar.mu.Unlock()
	a.bar.clear()
	return a.w.Write(p)
}
