package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// maskPolicy changes three fields of each row of a response.
const maskPolicy = `
routes:
  - match: {methods: [GET], path: "/{size}"}
    auth: none
    rule:
      rule: and
      clauses:
        - {rule: remove, fields: [res.password, res.ssn]}
        - {rule: force, field: res.card, value: "****"}
`

// maskSizes are sizes of bodies in bytes.
var maskSizes = []int{1 << 10, 10 << 10, 100 << 10, 1 << 20}

// maskRows returns a JSON array of about size bytes.
func maskRows(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size-150; i++ {
		fmt.Fprintf(&b, `,{"id":%d,"name":"Person \"%d\"","email":"p%d@example.com","password":"secret-%08d","ssn":"000-00-%04d","card":"4111111111111111","active":true,"score":%d.5,"tags":["a","b"]}`,
			i, i, i, i, i%10000, i%100)
	}
	return "[" + b.String()[1:] + "]"
}

// maskers is an Envoy with one worker and a listener of each of maskKinds: with no
// filter, with a Lua filter that masks, with the module.
type maskers struct {
	*harness.Process
	at map[string]string
}

var maskKinds = []string{"none", "lua", "module"}

func newMaskers(t testing.TB) *maskers {
	t.Helper()
	bodies := map[string]string{}
	for _, size := range maskSizes {
		bodies["/"+strconv.Itoa(size)] = maskRows(size)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", "application/json")
		w.Header().Set("content-length", strconv.Itoa(len(bodies[r.URL.Path])))
		_, _ = io.WriteString(w, bodies[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	script, err := os.ReadFile("testdata/mask.lua")
	if err != nil {
		t.Fatal(err)
	}
	b := harness.NewBootstrap(t, server.URL)
	b.Workers = 1
	for _, kind := range maskKinds {
		b.AddPolicy(t, kind, maskPolicy, "")
	}
	b.Filters = map[string][]any{"none": {}, "lua": {map[string]any{
		"name": "lua",
		"typed_config": map[string]any{
			"@type":               "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
			"default_source_code": map[string]any{"inline_string": string(script)},
		},
	}}}
	p := b.Start(t)
	p.Ready(t)
	return &maskers{p, p.Listeners(t)}
}

// ask requests a body. With check it compares the masked body with the wanted one.
func (m *maskers) ask(t testing.TB, kind string, size int, check bool) {
	resp, err := http.Get(fmt.Sprintf("http://%s/%d", m.at[kind], size))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if !check {
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || n < int64(size)/2 {
			t.Fatalf("%s: got %d with %d bytes, %v", kind, resp.StatusCode, n, err)
		}
		return
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s: got %d %.200s %v", kind, resp.StatusCode, text, err)
	}
	var want, got any
	expect := maskRows(size)
	if err := json.Unmarshal([]byte(expect), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s: %v in %.200s", kind, err, text)
	}
	if kind != "none" {
		for _, row := range want.([]any) {
			row := row.(map[string]any)
			delete(row, "password")
			delete(row, "ssn")
			row["card"] = "****"
		}
	}
	if harness.JSON(got) != harness.JSON(want) {
		t.Fatalf("%s: got %.300s", kind, text)
	}
}

// resident returns the resident memory of Envoy in bytes: now, and at most so far.
func (m *maskers) resident(t testing.TB) (now, peak int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && f[0] == "VmRSS:":
			now, _ = strconv.Atoi(f[1])
		case len(f) > 1 && f[0] == "VmHWM:":
			peak, _ = strconv.Atoi(f[1])
		}
	}
	return now << 10, peak << 10
}

// BenchmarkMask compares the module with a Lua filter that masks the same three
// fields of each row of a response, and with no filter. cpu-µs/op is Envoy's CPU
// time for a request, rss-MB its resident memory afterwards.
func BenchmarkMask(b *testing.B) {
	m := newMaskers(b)
	for _, kind := range maskKinds {
		for _, size := range maskSizes {
			m.ask(b, kind, size, true)
		}
	}
	for _, size := range maskSizes {
		for _, kind := range maskKinds {
			b.Run(fmt.Sprintf("%s/%dKB", kind, size>>10), func(b *testing.B) {
				b.SetBytes(int64(size))
				before := processorTime(b, m.Process)
				for b.Loop() {
					m.ask(b, kind, size, false)
				}
				b.ReportMetric(float64((processorTime(b, m.Process)-before).Microseconds())/float64(b.N), "cpu-µs/op")
				now, _ := m.resident(b)
				b.ReportMetric(float64(now>>20), "rss-MB")
			})
		}
	}
}
