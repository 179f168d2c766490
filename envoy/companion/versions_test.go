package companion

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// apart are companions whose version is one apart from the module's, by what the
// change between the versions was, and the reasons that the module logs. What a
// companion answers to calls that it does not know is TestCallsAreAnswered and
// TestMalformedRequests in package host/companion.
var apart = map[string]struct {
	reason string
	answer behaviour
}{
	"a member more in a reply": {"malformed reply from the companion", func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := strings.Replace(string(harness.NoRows(request)), `"rows":[]`, `"rows":[],"took":"1ms"`, 1)
		harness.Sealed(w, harness.BansKeys, r, []byte(answer))
	}},
	"a member more in the answer": {"want an object with replies and nothing else", func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := strings.Replace(string(harness.NoRows(request)), `{"replies"`, `{"version":2,"replies"`, 1)
		harness.Sealed(w, harness.BansKeys, r, []byte(answer))
	}},
	"another path": {"the companion's cluster answered 404", func(w http.ResponseWriter, r *http.Request, _ []byte) { http.NotFound(w, r) }},
	"another signature": {"reply without a valid seal", func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := harness.NoRows(request)
		w.Header().Set("x-rulegate-signature", "v2:"+harness.BansKeys.Seal(r.Header.Get("authorization"), answer))
		w.Write(answer)
	}},
	"a signature that it does not know": {"the companion's cluster answered 401: want a companion of the module's release", func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.WriteHeader(http.StatusUnauthorized)
	}},
	"a call that it does not know": {"bad call (0123456789ab)", func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := strings.Replace(string(harness.NoRows(request)), `"rows":[]`, `"error":"bad call (0123456789ab)"`, 1)
		harness.Sealed(w, harness.BansKeys, r, []byte(answer))
	}},
}

// versionsApart tests that a rule that needs a companion of another version is
// unknown at once, with 503 and a reason in the log; other rules decide as ever.
func versionsApart(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	for name, a := range apart {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body bytes.Buffer
			if _, err := body.ReadFrom(r.Body); err == nil {
				a.answer(w, r, body.Bytes())
			}
		}))
		t.Cleanup(srv.Close)
		name = "apart-" + harness.Slug(name)
		b.AddPolicy(t, name, strings.Replace(withTimeout(harness.BansPolicy, "good"), "routes:\n", "routes:\n  - {match: {methods: [GET], path: /alone}, rule: {rule: authenticated}}\n", 1), srv.URL)
		b.Alter[name] = func(manager map[string]any) {
			harness.PluginConfig(manager)["vm_config"].(map[string]any)["vm_id"] = name // its lines are not left out
		}
	}
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		for name, a := range apart {
			listener := "apart-" + harness.Slug(name)
			for target, want := range map[string]int{"/page": 503, "/alone": 200} {
				r := &harness.Request{Method: "GET", Target: target, Headers: [][2]string{harness.Bearer(t, `{"id":"u1"}`)}}
				answer, err := harness.Send(at[listener], r, listener+target)
				if err != nil || answer.Status != want {
					t.Errorf("%s, %s: want %d, found %+v, %v", name, target, want, answer, err)
				}
			}
			line := regexp.MustCompile(" " + listener + " .*refused: status=503 outcome=error .*" + regexp.QuoteMeta(a.reason))
			if !line.MatchString(p.Log()) {
				t.Errorf("%s: no reason %q in the log:\n%s", name, a.reason, harness.Tail(p.Log(), 10))
			}
			if got, err := up.Take(listener + "/page"); err != nil || len(got) > 0 {
				t.Errorf("%s: the upstream got %d requests, %v", name, len(got), err)
			}
		}
	}
}
