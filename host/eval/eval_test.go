package eval

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

func fixed() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

// answerTo evaluates a line at a fixed time.
func answerTo(t *testing.T, line string) (out struct {
	Allow *bool
	Calls []struct{ Headers map[string]string }
}, text string) {
	t.Helper()
	e, err := New(fixed)
	if err != nil {
		t.Fatal(err)
	}
	text = e.Answer([]byte(line)).String()
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out, text
}

// The tokens of a webhook are signed with a key of this process; their claims
// are those of the rule and of the protocol.
func TestEvalMints(t *testing.T) {
	out, _ := answerTo(t, `{"id":1,"rule":{"rule":"webhook","url":"http://h/","claims":{"sub":"args.auth.id"},"body":{}},"args":{"auth":{"id":"u1"}},"replies":[{"kind":"webhook","status":200}]}`)
	if out.Allow == nil || !*out.Allow || len(out.Calls) != 1 {
		t.Fatalf("want it allowed after one call, found %+v", out)
	}
	headers := out.Calls[0].Headers
	for name, want := range map[string][2]string{
		"Authorization": {`{"alg":"HS256","typ":"JWT"`, `{"sub":"u1","exp":`},
		"X-SC-Token":    {`"typ":"sc-service+jwt"`, `"role":"SpaceCloud"`},
	} {
		parts := strings.Split(strings.TrimPrefix(headers[name], "Bearer "), ".")
		if len(parts) != 3 {
			t.Fatalf("%s: no token in %q", name, headers[name])
		}
		for i := range 2 {
			text, err := base64.RawURLEncoding.DecodeString(parts[i])
			if err != nil || !strings.Contains(string(text), want[i]) {
				t.Errorf("%s: want %s, found %s %v", name, want[i], text, err)
			}
		}
		var claims struct{ Exp int64 }
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if json.Unmarshal(payload, &claims); claims.Exp <= fixed().Unix() || claims.Exp > fixed().Add(30*time.Minute).Unix() {
			t.Errorf("%s: exp %d is not within half an hour of now", name, claims.Exp)
		}
	}
}

func TestEvalKeepsTheKey(t *testing.T) {
	const key = "Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g="
	for _, line := range []string{
		`{"rule":{"rule":"allow"},"args":{},"aesKey":"` + key + `"}`,
		`{"rule":{"rule":"allow"},"args":{},"aesKey":"` + key + `x"}`,
		`{"rule":{"rule":"allow"},"args":5,"aesKey":"` + key + `"}`,
		`{"rule":{"rule":"allow"},"args":{},"aesKey":{"a":"` + key + `"}}`,
		`{"rule":{"rule":"encrypt","fields":["args.a"]},"args":{},"aesKey":"` + key + `"}`,
		`{"rule":{"rule":"nope"},"args":{},"aesKey":"` + key + `"}`,
		`{"rule":{"rule":"allow"},"args":{},"aesKey":"` + key + `","aesKey":"` + key + `"}`,
	} {
		if _, text := answerTo(t, line); strings.Contains(text, key[:12]) {
			t.Errorf("%s: the answer shows the key: %s", line, text)
		}
	}
}

// The answer to any line is a JSON object, and only the outcome yes allows.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"verdict", "fault", "line", "path", "action", "filter", "response", "query", "webhook"} {
		a, err := txtar.ParseFile("../cli/testdata/script/eval_" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(a.Files[0].Data)) {
			f.Add([]byte(strings.TrimSuffix(line, "\n")))
		}
	}
	file, err := txtar.ParseFile(matchFile)
	if err != nil {
		f.Fatal(err)
	}
	all, _ := comparisons(f, file)
	for _, c := range all {
		f.Add([]byte(c.question))
	}
	e, err := New(fixed)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		out := e.Answer(line).String()
		var got struct {
			Allow   *bool
			Outcome string
			Reason  string
			Error   string
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("not JSON: %v: %q", err, out)
		}
		if strings.Contains(got.Reason, "internal fault") {
			t.Fatalf("a panic: %s", got.Reason)
		}
		if got.Allow == nil && got.Error == "" || got.Allow != nil && *got.Allow != (got.Outcome == "yes") {
			t.Fatalf("allow does not agree with the outcome: %s", out)
		}
	})
}
