package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func echo(line []byte, err error) []byte {
	if err != nil {
		return []byte("error")
	}
	return append([]byte("<"), append(line, '>')...)
}

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for name, c := range map[string][2]string{
		"nothing":                  {"", ""},
		"one line":                 {"a\n", "<a>\n"},
		"no end":                   {"a\nb", "<a>\n<b>\n"},
		"carriage returns":         {"a\r\nb\r\n", "<a>\n<b>\n"},
		"an empty line is a line":  {"a\n\nb\n", "<a>\n<>\n<b>\n"},
		"the longest":              {long + "\nb\n", "<" + long + ">\n<b>\n"},
		"the longest, with CR":     {long + "\r\nb\n", "<" + long + ">\n<b>\n"},
		"too long":                 {long + "x\nb\n", "error\n<b>\n"},
		"too long, without an end": {"a\n" + long + "xx", "<a>\nerror\n"},
		"much too long":            {long + long + long + "\nb\n", "error\n<b>\n"},
	} {
		var out bytes.Buffer
		if err := eachLine(strings.NewReader(c[0]), &out, echo); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := out.String(); got != c[1] {
			t.Errorf("%s: want %.40q…, found %.40q…", name, c[1], got)
		}
	}
}

// A program that waits for each answer before it sends the next line gets it.
func TestEachLineAnswersAtOnce(t *testing.T) {
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- eachLine(inRead, outWrite, echo)
		outWrite.Close()
	}()
	buf := make([]byte, 16)
	for _, q := range []string{"a", "b"} {
		io.WriteString(inWrite, q+"\n")
		n, err := io.ReadFull(outRead, buf[:4])
		if err != nil || string(buf[:n]) != "<"+q+">\n" {
			t.Fatalf("%s: found %q, %v", q, buf[:n], err)
		}
	}
	inWrite.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
