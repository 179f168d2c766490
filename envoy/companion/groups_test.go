package companion

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// groupsPolicy lets a user through who says the secret of their own row.
const groupsPolicy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
companion: {cluster: rulegate-companion, timeout: 10s}
databases: {social: {type: embedded, conn: SOCIAL}}
routes:
  - match: {methods: [GET], path: /mine}
    rule:
      rule: query
      db: social
      col: users
      find: {id: args.auth.id}
      clause: {rule: match, type: string, eval: "==", f1: args.result.0.secret, f2: args.params.secret}
  - match: {methods: [GET], path: /slow}
    rule: {rule: query, db: social, col: slow}
`

const groupUsers = 100

// groupUser returns the id of a user. Some are hostile.
func groupUser(n int) string {
	return []string{"u%d", `"},{"id":"0","later":true} %d`, "' OR 1=1 -- %d", `\u0000%d`, "é\u2028%d", strings.Repeat("x", 3000) + "%d"}[n%6]
}

// queriesInGroups sends requests of many users at once, so that their queries go to the
// companion together, beside slow ones and over a restart: nobody gets the answer of
// another's query.
func queriesInGroups(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	file := filepath.Join(t.TempDir(), "social.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE users (id TEXT PRIMARY KEY, secret TEXT);
		CREATE VIEW slow AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000000) SELECT max(x) AS id FROM c`); err != nil {
		t.Fatal(err)
	}
	ids := make([]string, groupUsers)
	for n := range ids {
		ids[n] = fmt.Sprintf(groupUser(n), n)
		if _, err := db.Exec(`INSERT INTO users VALUES (?, ?)`, ids[n], fmt.Sprint("secret", n)); err != nil {
			t.Fatal(err)
		}
	}
	policy := strings.Replace(groupsPolicy, "SOCIAL", file, 1)
	dir, err := os.MkdirTemp("", "co") // the path of a Unix socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := "unix:" + filepath.Join(dir, "s")
	b.AddPolicy(t, "groups", policy, socket)
	return func(t *testing.T, p *harness.Process) {
		at, co := p.Listeners(t)["groups"], harness.Serve(t, policy, socket)
		var right, unavailable atomic.Int64
		ask := func(n, secret int, want int) {
			target := "/mine?secret=" + url.QueryEscape(fmt.Sprint("secret", secret))
			r := &harness.Request{Method: "GET", Target: target, Headers: [][2]string{harness.Bearer(t, harness.JSON(map[string]any{"id": ids[n]}))}}
			answer, err := harness.Send(at, r, fmt.Sprintf("group-%d-%d", n, secret))
			switch {
			case err != nil:
				t.Errorf("user %d: %v", n, err)
			case answer.Status == want:
				right.Add(1)
			case answer.Status == http.StatusServiceUnavailable:
				unavailable.Add(1)
			default:
				t.Errorf("user %d with the secret of %d: %d, want %d", n, secret, answer.Status, want)
			}
		}
		round := func() {
			var wait sync.WaitGroup
			for n := range ids {
				wait.Go(func() {
					for i := range 3 {
						ask(n, n, http.StatusOK)
						ask(n, (n+1+i)%groupUsers, http.StatusForbidden)
					}
				})
			}
			for range 3 {
				wait.Go(func() {
					r := &harness.Request{Method: "GET", Target: "/slow", Headers: [][2]string{harness.Bearer(t, `{"id":"u0"}`)}}
					if answer, err := harness.Send(at, r, "group-slow"); err != nil || answer.Status != 200 && answer.Status != 503 {
						t.Errorf("slow: %+v, %v", answer, err)
					}
				})
			}
			wait.Wait()
		}
		round()
		if n := right.Load(); n != 6*groupUsers {
			t.Errorf("%d right answers, want %d; %d were unavailable", n, 6*groupUsers, unavailable.Load())
		}
		if n := co.Gauge(t, `rulegate_companion_requests_total{code="200"}`); n >= 6*groupUsers {
			t.Errorf("%v requests to the companion for %d queries: no groups", n, 6*groupUsers)
		}
		// Killed in the middle: answers are right or 503.
		done := make(chan struct{})
		go func() { defer close(done); round() }()
		before := right.Load()
		harness.Eventually(t, "50 right answers", func() bool { return right.Load() > before+50 })
		co.Kill()
		co = harness.Serve(t, policy, socket)
		<-done
		harness.Eventually(t, "right answers again", func() bool {
			before, failed := right.Load(), unavailable.Load()
			round()
			return unavailable.Load() == failed && right.Load() == before+6*groupUsers
		})
		idle(t, co)
	}
}
