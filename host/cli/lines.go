package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/rulegate/rulegate/rules/value"
)

// maxLine bounds a line of input, in bytes.
const maxLine = 16 << 20

var errLongLine = fmt.Errorf("the line is longer than %d bytes", maxLine)

// eachLine calls answer for every line of in, without its line end, and writes
// the result as one line. For a line over maxLine, answer gets nil and
// errLongLine. eachLine flushes before a read would block, so that a program at
// the other end may wait for each answer before it sends the next line.
func eachLine(in io.Reader, out io.Writer, answer func(line []byte, err error) []byte) error {
	r := bufio.NewReaderSize(in, 64<<10)
	w := bufio.NewWriterSize(out, 64<<10)
	var buf []byte
	for {
		line, tooLong, err := readLine(r, buf[:0])
		buf = line
		if err == nil || len(line) > 0 || tooLong {
			var reply []byte
			if tooLong {
				reply = answer(nil, errLongLine)
			} else {
				reply = answer(line, nil)
			}
			if _, err := w.Write(append(reply, '\n')); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		if err != nil || r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
	}
}

// readLine appends a line to buf, without `\n` or `\r\n`. It reads a line over
// maxLine to its end and returns none of it.
func readLine(r *bufio.Reader, buf []byte) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(buf)+len(part) > maxLine+len("\r\n") {
			tooLong = true
		}
		if tooLong {
			buf = buf[:0]
		} else {
			buf = append(buf, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		buf = bytes.TrimSuffix(bytes.TrimSuffix(buf, []byte("\n")), []byte("\r"))
		if len(buf) > maxLine {
			return buf[:0], true, err
		}
		return buf, tooLong, err
	}
}

// oneLine writes v without line ends. Parsed values keep their text, which may
// have line ends between its tokens; inside strings they are escaped.
func oneLine(v value.Value) []byte {
	out := v.Append(nil)
	for i, b := range out {
		if b == '\n' || b == '\r' {
			out[i] = ' '
		}
	}
	return out
}

func member(key string, v value.Value) value.Member { return value.Member{Key: key, Value: v} }
