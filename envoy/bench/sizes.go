package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// size is that of a wasm module.
type size struct {
	Module string `json:"module"`
	File   int    `json:"fileBytes"`
	Code   int    `json:"codeBytes"` // of its code section, which Envoy compiles at its start
}

func sizeOf(name, file string) (size, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return size{}, err
	}
	code, err := codeSection(text)
	if err != nil {
		return size{}, fmt.Errorf("%s: %w", file, err)
	}
	return size{Module: name, File: len(text), Code: code}, nil
}

// codeSection returns the size of the section 10 of a module, see
// https://webassembly.github.io/spec/core/binary/modules.html.
func codeSection(text []byte) (int, error) {
	const header, code = 8, 10
	for at := header; at < len(text); {
		id := text[at]
		length, n := binary.Uvarint(text[at+1:])
		if n <= 0 {
			break
		}
		if id == code {
			return int(length), nil
		}
		at += 1 + n + int(length)
	}
	return 0, errors.New("want a wasm module with code")
}

func (r *report) sizeTable() *table {
	t := &table{head: []string{"", "file, bytes", "code section, bytes"}}
	for _, s := range r.Sizes {
		t.add(s.Module, fmt.Sprint(s.File), fmt.Sprint(s.Code))
	}
	return t
}
