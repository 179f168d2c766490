package lightfmt

import (
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The texts are those of fmt.
func TestSprintf(t *testing.T) {
	for _, c := range []struct {
		format string
		args   []any
	}{
		{"", nil},
		{"plain", nil},
		{"100%%", nil},
		{"%s and %q", []any{"a", "b\"\x00é\xff"}},
		{"%v %d %d %d %d %d", []any{-1, 2, int64(-3), int32(4), uint32(5), byte(6)}},
		{"%c%c", []any{'é', byte('x')}},
		{"%q%q%q", []any{'é', byte('x'), '\n'}},
		{"%t %v", []any{true, false}},
		{"%s %q %v", []any{io.EOF, io.EOF, io.EOF}},
		{"%v", []any{nil}},
		{"%s %v", []any{time.Second, 90 * time.Second}},
		{"%v %q %s", []any{[]string{"a", "b"}, []string{"c"}, []string{}}},
		{"%s %q", []any{[]byte("a"), []byte("b")}},
	} {
		if got, want := string(appendf(nil, c.format, c.args)), fmt.Sprintf(c.format, c.args...); got != want {
			t.Errorf("%s: %q, want %q", c.format, got, want)
		}
	}
	// Mistakes do not panic.
	for _, format := range []string{"%", "%s", "a %s %d", "%z"} {
		appendf(nil, format, nil)
		appendf(nil, format, []any{struct{}{}, 1, nil, nil})
	}
}

func TestErrorf(t *testing.T) {
	err := Errorf("%d%%: %w", 1, io.EOF)
	if err.Error() != "1%: EOF" || !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := Errorf("%v", io.EOF); err.Error() != "EOF" || errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := Errorf("%w", nil); err.Error() != "<nil>" || errors.Unwrap(err) != nil {
		t.Error(err)
	}
}

func TestDecodeHex(t *testing.T) {
	for _, text := range []string{"", "0", "00ff", "09afAF", "0g", "g0", "0x", "@0", "`0", "00 ", "é"} {
		got, ok := DecodeHex(text)
		want, err := hex.DecodeString(text)
		if ok != (err == nil) || ok && string(got) != string(want) {
			t.Errorf("%q: %x %v, want %x %v", text, got, ok, want, err)
		}
	}
}

func TestCut(t *testing.T) {
	for _, text := range []string{"", "abc", "ééé€", "a\xffb\xfec"} {
		for most := range 6 {
			if got, want := Cut(text, most), fmt.Sprintf("%.*s", most, text); got != want {
				t.Errorf("%q, %d: %q, want %q", text, most, got, want)
			}
		}
	}
}

var flags = regexp.MustCompile(`%[-+# 0-9.*\[]+[a-zA-Z]|%[^svdqtcw%"]`)

// Package fmt understands more than this package, and go vet thinks of fmt: so no text of
// a file that imports this package may have other verbs or flags.
func TestVerbsOfTheModule(t *testing.T) {
	files := 0
	for _, root := range []string{"..", "../../plugin"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), `/rules/lightfmt"`) {
				return err
			}
			files++
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, text, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING && flags.MatchString(s.Value) {
					t.Errorf("%v: %s", set.Position(s.Pos()), s.Value)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files == 0 {
		t.Error("no files that import lightfmt")
	}
}
