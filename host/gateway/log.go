package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// LevelTrace and LevelCritical are the levels of the ABI that slog does not name.
const (
	LevelTrace    = slog.LevelDebug - 4
	LevelCritical = slog.LevelError + 4
)

var levels = [...]slog.Level{LevelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, LevelCritical}

// moduleLog passes on the module's log and its standard output and error, where
// Go writes the text of a panic. While the module starts, lines of level warn and
// above are kept for New's error.
type moduleLog struct {
	to       *slog.Logger
	line     func(level slog.Level, text string) (taken bool) // may be nil
	mu       sync.Mutex
	starting bool
	kept     []string
	partial  []byte // of standard output and error: a line without its end
}

const maxKeptLines = 1000

func (l *moduleLog) record(level slog.Level, text string) {
	l.mu.Lock()
	if l.starting && level >= slog.LevelWarn && len(l.kept) < maxKeptLines {
		l.kept = append(l.kept, text)
	}
	l.mu.Unlock()
	if l.line != nil && l.line(level, text) {
		return
	}
	l.to.Log(context.Background(), level, text, "from", "module")
}

// Write logs standard output and error, line by line.
func (l *moduleLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	l.partial = append(l.partial, p...)
	var lines []string
	for {
		line, rest, ok := bytes.Cut(l.partial, []byte("\n"))
		if !ok {
			break
		}
		lines, l.partial = append(lines, string(line)), rest
	}
	l.mu.Unlock()
	for _, line := range lines {
		l.record(slog.LevelError, line)
	}
	return len(p), nil
}

func (l *moduleLog) started() {
	l.mu.Lock()
	l.starting, l.kept = false, nil
	l.mu.Unlock()
}

// lines returns the kept lines as the end of an error, each after a line break.
func (l *moduleLog) lines() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == 0 {
		return ""
	}
	return ":\n" + strings.Join(l.kept, "\n")
}

func hostLog(v *vm, a []uint64) status {
	text, ok := v.text(a[1], a[2])
	if !ok {
		return statusInvalidMemoryAccess
	}
	level := uint32(a[0])
	if int(level) >= len(levels) {
		return statusBadArgument
	}
	v.log.record(levels[level], text)
	return statusOK
}

func hostLogLevel(v *vm, a []uint64) status {
	at := uint32(len(levels) - 1)
	for i, l := range levels {
		if v.log.to.Enabled(context.Background(), l) {
			at = uint32(i)
			break
		}
	}
	return v.writeUint32(a[0], at)
}
