package companion

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// keptAnswers tests that the module asks nobody while a reply to the same question is
// young enough, and asks again for another user, and when the reply is too old.
func keptAnswers(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	var asked atomic.Int64
	companion := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		answer := harness.NoRows(body)
		if strings.Contains(string(body), "banned") {
			answer = []byte(strings.Replace(string(answer), `"rows":[]`, `"rows":[{"id":"banned"}]`, 1))
		}
		if strings.Contains(string(body), "old") {
			answer = []byte(strings.Replace(string(answer), `"rows":[]`, `"rows":[],"age":59990`, 1))
		}
		harness.Sealed(w, harness.BansKeys, r, answer)
	}))
	t.Cleanup(companion.Close)
	policy := strings.NewReplacer("col: bans", "col: bans\n      cache: 1m", "timeout: 400ms", "timeout: 15s", `path: "/page"`, `path: "/"`).Replace(harness.BansPolicy)
	b.AddPolicy(t, "kept-answers", policy, companion.URL)
	return func(t *testing.T, p *harness.Process) {
		// One connection stays with one worker, and each worker keeps its own answers.
		client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: harness.RequestTimeout}
		defer client.CloseIdleConnections()
		ask := func(user string) (int, string) {
			token := strings.TrimPrefix(harness.Bearer(t, `{"id":"`+user+`"}`)[1], "Bearer ")
			return harness.GetWithToken(client, p.Listeners(t)["kept-answers"], token)
		}
		for _, step := range []struct {
			user   string
			status int
			asked  int64 // in all
		}{
			{"ann", 200, 1}, {"ann", 200, 1},
			{"banned", 403, 2}, {"banned", 403, 2}, {"ann", 200, 2},
			{"old", 200, 3},
		} {
			status, text := ask(step.user)
			if status != step.status || asked.Load() != step.asked {
				t.Errorf("%s: status %d, asked %d times; want %d and %d: %s", step.user, status, asked.Load(), step.status, step.asked, text)
			}
		}
		time.Sleep(20 * time.Millisecond) // the reply about old was 59.99 s old when it came
		status, _ := ask("old")
		if status != 200 || asked.Load() != 4 {
			t.Errorf("an answer that is too old: status %d, asked %d times", status, asked.Load())
		}
	}
}
