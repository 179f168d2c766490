package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxRecord bounds a record of several lines, in bytes.
const maxRecord = 64 << 20

var errLongRecord = fmt.Errorf("the record is longer than %d bytes", maxRecord)

// eachRecord calls f for each record of in with the number of its first line: a line, or
// an object of several lines, as explain writes it. Such an object begins with a line {
// and ends with a line }. A record that is too long is nil, with an error.
func eachRecord(in io.Reader, f func(n int, record []byte, err error)) error {
	r := bufio.NewReaderSize(in, 64<<10)
	var line, object []byte
	var objectErr error
	from := 0 // the first line of an object that is open; 0: none is
	for n := 1; ; n++ {
		text, tooLong, err := readLine(r, line[:0])
		line = text
		switch text := bytes.TrimSpace(line); {
		case from == 0 && tooLong:
			f(n, nil, errLongLine)
		case from == 0 && string(text) == "{":
			from, object, objectErr = n, append(object[:0], '{'), nil
		case from == 0 && len(text) > 0:
			f(n, text, nil)
		case from > 0 && (tooLong || len(object)+len(text) > maxRecord):
			object, objectErr = object[:0], errLongRecord
		case from > 0 && objectErr == nil:
			object = append(object, text...)
		}
		if from > 0 && string(line) == "}" || from > 0 && err != nil {
			if objectErr != nil {
				f(from, nil, objectErr)
			} else {
				f(from, object, nil)
			}
			from = 0
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
	}
}
