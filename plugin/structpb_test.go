package main

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

// The builders encode as protoc's encoders do.

func field(tag byte, body string) string {
	return string(binary.AppendUvarint([]byte{tag}, uint64(len(body)))) + body
}

func number(f float64) string {
	return string(binary.LittleEndian.AppendUint64([]byte{tagNumber}, math.Float64bits(f)))
}

func entry(key, value string) string {
	return field(tagField, field(tagKey, key)+field(tagValue, value))
}

func nested(n int) string {
	s := entry("a", number(1))
	for range n {
		s = entry("a", field(tagStruct, s))
	}
	return s
}

func TestStruct(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"string", entry("a", field(tagString, "x\"é")), `{"a":"x\"é"}`},
		{"empty string", entry("a", field(tagString, "")), `{"a":""}`},
		{"numbers", entry("a", number(1)) + entry("b", number(-0.5)) + entry("c", number(1<<53-1)), `{"a":1,"b":-0.5,"c":9007199254740991}`},
		{"null and bools", entry("a", "\x08\x00") + entry("b", "\x20\x01") + entry("c", "\x20\x00"), `{"a":null,"b":true,"c":false}`},
		{"struct", entry("a", field(tagStruct, entry("b", number(2)))) + entry("e", field(tagStruct, "")), `{"a":{"b":2},"e":{}}`},
		{"list", entry("a", field(tagList, field(tagField, number(1))+field(tagField, field(tagList, "")))), `{"a":[1,[]]}`},
		{"long", entry("a", field(tagString, strings.Repeat("x", 300))), `{"a":"` + strings.Repeat("x", 300) + `"}`},
		{"a repeated key, for the JSON check to find", entry("a", number(1)) + entry("a", number(2)), `{"a":1,"a":2}`},
	} {
		got, err := structJSON([]byte(tt.in), 8)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
		for i := 1; i < len(tt.in); i++ {
			if cut, err := structJSON([]byte(tt.in[:i]), 8); err == nil && !strings.HasPrefix(tt.want, strings.TrimSuffix(cut, "}")) {
				t.Errorf("%s: the first %d bytes give %s", tt.name, i, cut)
			}
		}
	}
}

func TestStructRefused(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"an integer that may have been 2^53+1", entry("a", number(1<<53)), "beyond 2^53"},
		{"not a number", entry("a", number(math.NaN())), "not a number"},
		{"infinity", entry("a", number(math.Inf(1))), "not a number"},
		{"too deep", nested(9), "too deep"},
		{"a length beyond the end", "\x0a\xff\x01", "cut short"},
		{"a length beyond any end", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut short"},
		{"an endless length", "\x0a" + strings.Repeat("\xff", 20), "cut short"},
		{"no value", field(tagField, field(tagKey, "a")), "cut short"},
		{"an empty value", entry("a", ""), "cut short"},
		{"two kinds at once", entry("a", field(tagString, "x")+number(1)), "more than one value"},
		{"an unknown field", entry("a", number(1)) + "\x18\x01", "want tag"},
		{"an unknown kind", entry("a", "\x38\x01"), "unknown kind"},
		{"a key that is no text", entry("\xff", number(1)), "entry"},
		{"a string that is no text", entry("a", field(tagString, "\xff")), "UTF-8"},
	} {
		if got, err := structJSON([]byte(tt.in), 8); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %s, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	if _, err := structJSON([]byte(nested(7)), 8); err != nil {
		t.Errorf("deep, but not too deep: %v", err)
	}
}

func FuzzStruct(f *testing.F) {
	f.Add([]byte(entry("a", field(tagList, field(tagField, field(tagStruct, nested(2)))))))
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = structJSON(data, 16) })
}
