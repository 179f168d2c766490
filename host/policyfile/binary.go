package policyfile

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// formats are files of other kinds, by their first bytes.
var formats = []struct{ begin, message string }{
	{"\x1f\x8b", "the file is compressed: run gunzip on it first"},
	{"BZh", "the file is compressed: run bunzip2 on it first"},
	{"\xfd7zXZ\x00", "the file is compressed: run unxz on it first"},
	{"\x28\xb5\x2f\xfd", "the file is compressed: run unzstd on it first"},
	{"PK\x03\x04", "the file is a ZIP archive: unpack it first"},
	{"\xff\xfe\x00\x00", "the file is in UTF-32: save it in UTF-8"},
	{"\xff\xfe", "the file is in UTF-16: save it in UTF-8"},
	{"\xfe\xff", "the file is in UTF-16: save it in UTF-8"},
}

// notText says what a file is that is no text: NUL bytes are in none. A file with NUL
// bytes to its end was not written whole.
func (f *File) notText(text string) *Fault {
	fault := func(line, column int, message string) *Fault {
		return &Fault{Message: message, Line: line, Column: column}
	}
	for _, x := range formats {
		// BZh begins a text too.
		if strings.HasPrefix(text, x.begin) && (x.begin != "BZh" || !utf8.ValidString(text)) {
			return fault(1, 1, x.message)
		}
	}
	at := strings.IndexByte(text, 0)
	if at < 0 {
		return nil
	}
	if strings.Trim(text[at:], "\x00") == "" {
		line, last := strings.Count(text[:at], "\n")+1, text[strings.LastIndexByte(text[:at], '\n')+1:at]
		return fault(line, utf8.RuneCountInString(last)+1, "from here to its end the file has only NUL bytes: it was not written whole")
	}
	if in16(text) {
		return fault(1, 1, "the file is in UTF-16: save it in UTF-8")
	}
	if !utf8.ValidString(text) {
		return fault(1, 1, "the file is no text: it has NUL bytes, and is not in UTF-8")
	}
	return nil
}

// in16 reports whether one half of each of the first characters of two bytes is NUL, as
// in UTF-16 without a mark.
func in16(text string) bool {
	begin := []byte(text[:min(len(text), 64)&^1])
	for half := range 2 {
		zeros := 0
		for i := half; i < len(begin); i += 2 {
			if begin[i] == 0 {
				zeros++
			}
		}
		if zeros > 1 && zeros == len(begin)/2 && bytes.Count(begin, []byte{0}) == zeros {
			return true
		}
	}
	return false
}
