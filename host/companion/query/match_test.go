package query

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

func parse(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse(text, 64)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// The rows on paths, arrays and null follow MongoDB's own tests,
// src/mongo/db/matcher/expression_leaf_test.cpp.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		doc  string
		find string
		want bool
	}{
		{`{"a":1}`, `{}`, true},
		{`{"a":1}`, `{"a":1.0}`, true},
		{`{"a":"1"}`, `{"a":1}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":true}`, `{"a":1}`, false},
		{`{"a":"x"}`, `{"a":"X"}`, false},
		{`{"a":{"b":1,"c":2}}`, `{"a":{"c":2,"b":1}}`, true},
		{`{"a":{"b":1,"c":2}}`, `{"a":{"b":1}}`, false},
		{`{"a":{"b":[1,"2",null,true]}}`, `{"a":{"b":[1.0,"2",null,true]}}`, true},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, false},
		{`{"a":9007199254740992.0}`, `{"a":9007199254740992}`, true},
		{`{"a":18446744073709551616}`, `{"a":{"$gt":9223372036854775807}}`, true},
		{`{"a":-18446744073709551616}`, `{"a":{"$lt":-9223372036854775808}}`, true},
		{`{"a":123456789012345678901234567890}`, `{"a":123456789012345678901234567890}`, true},
		{`{"a":123456789012345678901234567891}`, `{"a":123456789012345678901234567890}`, false},
		{`{"a":123456789012345678901234567891}`, `{"a":{"$gt":123456789012345678901234567890}}`, true},
		{`{"a":[123456789012345678901234567891]}`, `{"a":[123456789012345678901234567890]}`, false},
		{`{"a":1000000000000000000000}`, `{"a":1e21}`, true},
		{`{"a":1e-400}`, `{"a":0}`, false},
		{`{"a":1e-400}`, `{"a":{"$gt":0}}`, true},
		{`{"a":0e-400}`, `{"a":0}`, true},

		{`{}`, `{"a":null}`, true},
		{`{"a":null}`, `{"a":null}`, true},
		{`{"a":[]}`, `{"a":null}`, false},
		{`{"a":[null]}`, `{"a":null}`, true},
		{`{"a":0}`, `{"a":null}`, false},
		{`{}`, `{"a":{"$exists":false}}`, true},
		{`{"a":null}`, `{"a":{"$exists":false}}`, false},
		{`{"a":null}`, `{"a":{"$exists":true}}`, true},
		{`{}`, `{"a":{"$ne":1}}`, true},
		{`{}`, `{"a":{"$nin":[1,2]}}`, true},
		{`{}`, `{"a":{"$nin":[1,null]}}`, false},
		{`{}`, `{"a":{"$not":{"$gt":1}}}`, true},
		{`{}`, `{"a":{"$gte":null}}`, true},
		{`{}`, `{"a":{"$gt":null}}`, false},
		{`{}`, `{"$nor":[{"a":{"$lt":1}}]}`, true},

		{`{}`, `{"a.b":null}`, true},
		{`{"a":{}}`, `{"a.b":null}`, true},
		{`{"a":[{}]}`, `{"a.b":null}`, true},
		{`{"a":{"b":null}}`, `{"a.b":null}`, true},
		{`{"a":[]}`, `{"a.b":null}`, false},
		{`{"a":[null]}`, `{"a.b":null}`, false},
		{`{"a":[1,2]}`, `{"a.b":null}`, false},
		{`{"a":{"b":4}}`, `{"a.b":null}`, false},
		{`{"a":{"b":{}}}`, `{"a.b":null}`, false},
		{`{"a":5}`, `{"a.b":null}`, true},

		{`{"a":[5,[2,4]]}`, `{"a.1":2}`, false}, // path_test.cpp, ArrayIndex2
		{`{"a":[5,{"1":4}]}`, `{"a.1":4}`, true},
		{`{"a":[5,{"1":4}]}`, `{"a.1":{"1":4}}`, true},
		{`{"a":[5,{"b":4}]}`, `{"a.1.b":4}`, true},
		{`{"a":[5,[{"b":4}]]}`, `{"a.1.b":4}`, true},
		{`{"a":[5,[{"b":[4]}]]}`, `{"a.1.b":4}`, true},
		{`{"a":[5]}`, `{"a.0.b":null}`, false}, // nothing is at the rest of the path
		{`{"a":[5]}`, `{"a.0.b":{"$exists":false}}`, true},
		{`{"a":[5]}`, `{"a.1":null}`, false},
		{`{"a":[{"b":5}]}`, `{"a.0.c":null}`, true},
		{`{"a":[{"b":5}]}`, `{"a.0.b":null}`, true}, // by the key 0 of the element
		{`{"a":{"0":[5]}}`, `{"a.0":5}`, true},
		{`{"a":[5]}`, `{"a.00":5}`, false},
		{`{"a":[5,[2,4]]}`, `{"a.1":[2,4]}`, true},
		{`{"a":[5,[2,4]]}`, `{"a.1":5}`, false},
		{`{"a":[5,[2,4]]}`, `{"a":2}`, false},
		{`{"a":[5,[2,4]]}`, `{"a":[2,4]}`, true},
		{`{"a":[{"b":1},{"b":2}]}`, `{"a.b":2}`, true},
		{`{"a":[{"b":1},{"b":2}]}`, `{"a.1.b":1}`, false},
		{`{"a":[{"b":1},{"b":2}]}`, `{"a.b":{"$ne":2}}`, false},
		{`{"a":[[{"b":1}]]}`, `{"a.b":1}`, false},
		{`{"a":[[{"b":1}]]}`, `{"a.0.b":1}`, true},
		{`{"a":[{"0":"x"}]}`, `{"a.0":"x"}`, true},
		{`{"a":[1,20]}`, `{"a":{"$gt":15,"$lt":5}}`, true}, // by different elements
		{`{"a":[1,2]}`, `{"a":{"$in":[2,3]}}`, true},
		{`{"a":[1,2]}`, `{"a":{"$in":[[1,2]]}}`, true},
		{`{"a":["x1"]}`, `{"a":{"$regex":"[0-9]"}}`, true},
		{`{"a":[1]}`, `{"a":{"$regex":"[0-9]"}}`, false},
		{`{"a":1}`, `{"a":{"$regex":"1"}}`, false},

		{`{"a":false}`, `{"a":{"$lt":true}}`, true},
		{`{"a":true}`, `{"a":{"$lte":true}}`, true},
		{`{"a":0}`, `{"a":{"$lt":true}}`, false},
		{`{"a":"b"}`, `{"a":{"$gt":"a"}}`, true},
		{`{"a":"b"}`, `{"a":{"$gt":1}}`, false},
		{`{"a":"2024-01-01T00:00:00Z"}`, `{"a":{"$date":"2024-01-01T00:00:00Z"}}`, false},
		{`{"a":{"$date":"2024-01-01T00:00:00Z"}}`, `{"a":{"$date":"2024-01-01T00:00:00Z"}}`, false},
		{`{"a":"507f1f77bcf86cd799439011"}`, `{"a":{"$oid":"507f1f77bcf86cd799439011"}}`, false},
	} {
		e, err := Parse(parse(t, c.find))
		if err != nil {
			t.Errorf("%s: %v", c.find, err)
			continue
		}
		if got := Match(e, OfJSON(parse(t, c.doc))); got != c.want {
			t.Errorf("%s on %s: %v, want %v", c.find, c.doc, got, c.want)
		}
	}
}

func TestNumbersCompareByTheirExactValues(t *testing.T) {
	// In ascending order; the numbers of one line are equal.
	lines := [][]string{
		{"-1e300"}, {"-18446744073709551617"}, {"-18446744073709551616"}, {"-9223372036854775809"}, {"-9223372036854775808"}, {"-9223372036854775807"}, {"-1.5"}, {"-1", "-1.0", "-10e-1"},
		{"0", "-0", "0.0", "-0.0", "0e10"}, {"1e-400"}, {"0.5"}, {"1"}, {"9007199254740992", "9007199254740992.0"}, {"9007199254740993", "9007199254740993.00"},
		{"9223372036854775806"}, {"9223372036854775807"}, {"9223372036854775808", "9223372036854775808.0"}, {"18446744073709551615"}, {"18446744073709551616"},
		{"123456789012345678901234567890"}, {"123456789012345678901234567891", "1.23456789012345678901234567891e29"}, {"1e300", "10e299"}, {"1.5e300"},
	}
	for i, line := range lines {
		for j, other := range lines {
			for _, a := range line {
				for _, b := range other {
					n, err := NumberOf(value.Num(a))
					m, err2 := NumberOf(value.Num(b))
					if err != nil || err2 != nil {
						t.Fatal(a, b, err, err2)
					}
					if got := n.Compare(m); got != min(max(i-j, -1), 1) {
						t.Errorf("%s and %s: %d", a, b, got)
					}
				}
			}
		}
	}
}

func TestCheckPattern(t *testing.T) {
	for _, p := range []string{
		``, `abc`, `^a.c$`, `\d+\.\d{2}`, `[a-zA-Z_\-]*`, `[^\s]`, `(a|b|)c?`, `((a))`, `a{2,}`, `a{0,255}`, `\\\/`, `ü+`, `[ä-ü]`, `[a-]`, `[-a]`, `[\[\]]`, `[.*+?]`, `a|b`, `x$|^y`, `[\t\n\r]`, `[a^]`, `a,b`, `-`,
	} {
		if _, err := Compile(p); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	for _, p := range []string{
		`(`, `)`, `a)`, `[`, `[]`, `[^]`, `[a`, `]`, `{`, `}`, `a{`, `a{1`, `a{,2}`, `a{2,1}`, `a{256}`, `a{1000}`, `a{-1}`, `a{1}{2}`, `*`, `a**`, `a*?`, `a+?`, `a??`, `a*+`, `^*`, `$+`, `(*a)`, `|*`,
		`(?i)a`, `(?:a)`, `(?=a)`, `(?!a)`, `(?<n>a)`, `(?P<n>a)`, `\1`, `\b`, `\B`, `\A`, `\z`, `\Q`, `\x41`, `\u0041`, `\p{L}`, `\`, `[\`, `[[:alpha:]]`, `[z-a]`, `[\d-z]`, `[a-\d]`, `[a&&b]`, `[\b]`, `((((((((((((((((((((((((((((((((((((((((((((((((((((a`,
		`(((a{255}){255}){255})`, "a\xff",
	} {
		if _, err := Compile(p); err == nil {
			t.Errorf("%s was accepted", p)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{`b`, "abc", true}, {`^b`, "abc", false}, {`B`, "abc", false}, {`a.c`, "a\nc", false}, {`a.c`, "aüc", true},
		{`^c$`, "b\nc\nd", false}, {`c$`, "c\n", false}, {`^$`, "", true}, {`\d`, "٣", false}, {`\w`, "ü", false}, {`\s`, "\u00a0", false}, {`\s`, "\t", true},
	} {
		re, err := Compile(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := re.MatchString(c.text); got != c.want {
			t.Errorf("%s on %q: %v", c.pattern, c.text, got)
		}
	}
}

func TestDigits(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-12": "-12", "1.50": "1.50", "1e3": "1000", "-1.25e1": "-12.5", "125e-2": "1.25", "1e-5": "0.00001", "1E+30": "1000000000000000000000000000000",
		"1e-9223372036854775808": strconv.FormatFloat(math.SmallestNonzeroFloat64, 'f', -1, 64), "1e300": "1" + strings.Repeat("0", 300),
		"-1.5e-1": "-0.15", "0.1e1": "01", "12.34e2": "1234",
	} {
		n, err := NumberOf(value.Num(text))
		if err != nil {
			t.Fatal(text, err)
		}
		if got := (Operand{Kind: Num, Number: n, JSON: value.Num(text)}).Digits(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestDatesAreStrict(t *testing.T) {
	for text, want := range map[string]bool{
		`"2024-01-01"`: true, `"2024-01-01T10:00:00Z"`: true, `"2024-01-01T10:00:00.123456789+05:30"`: true, `1704067200000`: true,
		`"2024-01-01T1:00:00Z"`: false, `"2024-01-01T00:00:00,5Z"`: false, `"2024-01-01T00:00:00+24:00"`: false, `"2024-01-01T00:00:00+00:60"`: false,
		`"2024-01-01T00:00:00"`: false, `"2024-01-01 00:00:00Z"`: false, `"2024-1-1"`: false, `1.5`: false, `1e300`: false,
	} {
		_, err := Parse(parse(t, `{"d":{"$date":`+text+`}}`))
		if (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
