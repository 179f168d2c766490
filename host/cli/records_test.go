package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEachRecord(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"a\n\n b \r\nc":                 "1 a, 3 b, 4 c",
		"{\n  \"a\": 1\n}\n{\"b\":2}\n": `1 {"a": 1}, 4 {"b":2}`,
		"{\n \"a\": {\n }\n}\nx":        `1 {"a": {}}, 5 x`,
		"{\n \"cut\": 1":                `1 {"cut": 1`,
		"x\n" + strings.Repeat("y", maxLine+1) + "\nz":                        fmt.Sprintf("1 x, 2 %v, 3 z", errLongLine),
		"{\n" + strings.Repeat("y", maxLine+1) + "\n}\nz":                     fmt.Sprintf("1 %v, 4 z", errLongRecord),
		"{\n" + strings.Repeat(strings.Repeat("y", maxLine)+"\n", 5) + "}\nz": fmt.Sprintf("1 %v, 8 z", errLongRecord),
	} {
		var got []string
		err := eachRecord(strings.NewReader(text), func(n int, record []byte, err error) {
			if err != nil {
				record = []byte(err.Error())
			}
			got = append(got, fmt.Sprintf("%d %s", n, record))
		})
		if err != nil || strings.Join(got, ", ") != want {
			t.Errorf("%.60q: %.300v %v, want %s", text, got, err, want)
		}
	}
	broken := errors.New("broken")
	if err := eachRecord(iotest.ErrReader(broken), func(int, []byte, error) {}); !errors.Is(err, broken) {
		t.Error(err)
	}
}
