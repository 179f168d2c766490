package main

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/lightfmt"
	jsonvalue "github.com/rulegate/rulegate/rules/value"
)

// The encoding of google.protobuf.Struct and its parts:
//
//	Struct      fields=1: map entry (key=1 string, value=2 Value)
//	Value       null=1 enum, number=2 double, string=3, bool=4, struct=5 Struct, list=6 ListValue
//	ListValue   values=1 Value
const (
	tagField  = 1<<3 | 2 // Struct.fields, ListValue.values
	tagKey    = 1<<3 | 2
	tagValue  = 2<<3 | 2
	tagNull   = 1 << 3
	tagNumber = 2<<3 | 1
	tagString = 3<<3 | 2
	tagBool   = 4 << 3
	tagStruct = 5<<3 | 2
	tagList   = 6<<3 | 2
)

var errCut = errors.New("cut short")

// structJSON writes a google.protobuf.Struct as JSON text. It refuses integers
// beyond 2^53, which a double may have rounded. It keeps repeated keys, so that
// the JSON check finds them.
func structJSON(data []byte, depth int) (string, error) {
	out, err := appendStruct(nil, data, depth)
	return string(out), err
}

func appendStruct(dst, data []byte, depth int) ([]byte, error) {
	if depth == 0 {
		return nil, errors.New("nested too deep")
	}
	dst = append(dst, '{')
	for first := true; len(data) > 0; first = false {
		entry, rest, err := cutMessage(data, tagField)
		if err != nil {
			return nil, err
		}
		key, after, err := cutMessage(entry, tagKey)
		if err != nil {
			return nil, lightfmt.Errorf("a key: %w", err)
		}
		value, after, err := cutMessage(after, tagValue)
		if err != nil {
			return nil, lightfmt.Errorf("%q: %w", key, err)
		}
		if len(after) > 0 || !utf8.Valid(key) {
			return nil, lightfmt.Errorf("%q: not a map's entry", key)
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = append(jsonvalue.AppendString(dst, string(key)), ':')
		if dst, err = appendValue(dst, value, depth-1); err != nil {
			return nil, lightfmt.Errorf("%q: %w", key, err)
		}
		data = rest
	}
	return append(dst, '}'), nil
}

func appendList(dst, data []byte, depth int) ([]byte, error) {
	if depth == 0 {
		return nil, errors.New("nested too deep")
	}
	dst = append(dst, '[')
	for i := 0; len(data) > 0; i++ {
		value, rest, err := cutMessage(data, tagField)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendValue(dst, value, depth-1); err != nil {
			return nil, lightfmt.Errorf("[%d]: %w", i, err)
		}
		data = rest
	}
	return append(dst, ']'), nil
}

// appendValue writes a Value. It has exactly one of its fields.
func appendValue(dst, data []byte, depth int) ([]byte, error) {
	if len(data) == 0 {
		return nil, errCut
	}
	switch data[0] {
	case tagString, tagStruct, tagList:
		body, rest, err := cutMessage(data, data[0])
		if err != nil {
			return nil, err
		}
		if len(rest) > 0 {
			return nil, errors.New("more than one value")
		}
		switch {
		case data[0] == tagStruct:
			return appendStruct(dst, body, depth)
		case data[0] == tagList:
			return appendList(dst, body, depth)
		case !utf8.Valid(body):
			return nil, errors.New("invalid UTF-8")
		}
		return jsonvalue.AppendString(dst, string(body)), nil
	case tagNumber:
		if len(data) != 9 {
			return nil, errCut
		}
		return appendDouble(dst, math.Float64frombits(binary.LittleEndian.Uint64(data[1:])))
	case tagNull, tagBool:
		n, size := binary.Uvarint(data[1:])
		switch {
		case size != len(data)-1:
			return nil, errCut
		case data[0] == tagNull:
			return append(dst, "null"...), nil
		}
		return strconv.AppendBool(dst, n != 0), nil
	}
	return nil, lightfmt.Errorf("an unknown kind of value (tag %d)", data[0])
}

func appendDouble(dst []byte, f float64) ([]byte, error) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, errors.New("not a number of JSON")
	case f == math.Trunc(f) && math.Abs(f) >= 1<<53:
		return nil, errors.New("an integer beyond 2^53, which google.protobuf.Struct cannot hold: give the policy as a StringValue")
	case f == math.Trunc(f):
		return strconv.AppendInt(dst, int64(f), 10), nil
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64), nil
}

// cutMessage cuts a field of bytes with the tag off the start of data.
func cutMessage(data []byte, tag byte) (body, rest []byte, err error) {
	if len(data) == 0 {
		return nil, nil, errCut
	}
	if data[0] != tag {
		return nil, nil, lightfmt.Errorf("want tag %d, found %d", tag, data[0])
	}
	n, size := binary.Uvarint(data[1:])
	if size <= 0 || n > uint64(len(data)-1-size) {
		return nil, nil, errCut
	}
	data = data[1+size:]
	return data[:n], data[n:], nil
}
