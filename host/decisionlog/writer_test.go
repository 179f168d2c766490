package decisionlog

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWriter: each line is written once, also after the file was moved away.
func TestWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	w, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.Write("one")
	w.Write("two")
	for w.Written() < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := w.Reopen(); err != nil {
		t.Fatal(err)
	}
	w.Write("three")
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Write("late")
	for name, want := range map[string]string{path + ".1": "one\ntwo\n", path: "three\n"} {
		if got, err := os.ReadFile(name); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if w.Written() != 3 || w.Dropped() != 1 {
		t.Errorf("%d written, %d dropped, want 3 and 1", w.Written(), w.Dropped())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestWriterDrops: who writes never waits, and every line is written or counted.
func TestWriterDrops(t *testing.T) {
	r, out := io.Pipe()
	w, err := Open("-", Options{Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	const lines = 3 * maxQueued
	for range lines {
		w.Write(strings.Repeat("x", 100))
	}
	if w.Dropped() == 0 {
		t.Error("nobody reads, and no line was dropped")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := w.Close(ctx); err == nil {
		t.Error("closed while lines wait")
	}
	go io.Copy(io.Discard, r)
	if err := w.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if n := w.Written() + w.Dropped(); n != lines {
		t.Errorf("%d lines written or dropped, want %d", n, lines)
	}
}

// TestWriterFails: a disk that is full costs lines, and is told.
func TestWriterFails(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	told := make(chan error, 100)
	w, err := Open("/dev/full", Options{Failed: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	w.Write("one")
	if err := <-told; !strings.Contains(err.Error(), "no space left") {
		t.Error(err)
	}
	if err := w.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if w.Dropped() != 1 || w.Written() != 0 {
		t.Errorf("%d written, %d dropped, want 0 and 1", w.Written(), w.Dropped())
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none", "log"), Options{}); err == nil {
		t.Error("opened a file in a folder that does not exist")
	}
}
