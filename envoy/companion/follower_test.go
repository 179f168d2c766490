package companion

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/companion/dbtest"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// social is the follower example on one database.
type social struct {
	name      string
	db        *dbtest.Server // nil for SQLite
	link      *dbtest.Link   // the connection from the companion to db
	file      string         // the database file for SQLite
	companion *harness.ServeProcess
	addr      string // Envoy's listener
	up        *harness.Upstream
}

// followerPolicy returns the example's policy with a database in it.
func followerPolicy(t testing.TB, typ, conn string) string {
	t.Helper()
	text, err := os.ReadFile(harness.Repository("envoy/follower/policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("${JWT_SECRET}", harness.OwnSecret, "${SOCIAL_TYPE}", typ, "${SOCIAL_CONN}", conn).Replace(string(text))
}

func newSocial(t *testing.T, name string, up *harness.Upstream) *social {
	s := &social{name: name, up: up}
	typ, conn := "embedded", ""
	if name == "sqlite" {
		s.file = filepath.Join(t.TempDir(), "social.db")
		conn = s.file
	} else {
		s.db = dbtest.Get(t, name)
		s.link = dbtest.NewLink(t, s.db.Addr())
		typ, conn = s.db.Type, s.db.ConnVia(s.link.Addr)
	}
	s.seed(t)
	s.companion = harness.Serve(t, followerPolicy(t, typ, conn), "127.0.0.1:0")
	t.Cleanup(func() {
		s.companion.Kill()
		if t.Failed() {
			t.Logf("rulegate serve:\n%s", harness.Tail(s.companion.Stderr.String(), 20))
		}
	})
	return s
}

// seed fills the database with the rows of follower/seed.sql; seed.js holds the
// same for MongoDB.
func (s *social) seed(t *testing.T) {
	t.Helper()
	if s.name == "mongo" {
		day := func(text string) bson.DateTime {
			d, err := time.Parse(time.DateOnly, text)
			if err != nil {
				t.Fatal(err)
			}
			return bson.NewDateTimeFromTime(d)
		}
		follow := func(follower, since string, more ...bson.E) bson.D {
			return append(bson.D{{Key: "follower", Value: follower}, {Key: "followed", Value: "cleo"}, {Key: "since", Value: day(since)}}, more...)
		}
		s.db.Fill(t, "follows", follow("ben", "2024-01-01"), follow("dan", "2024-01-01", bson.E{Key: "blocked", Value: true}),
			follow("eve", "2999-01-01", bson.E{Key: "blocked", Value: false}))
		return
	}
	text, err := os.ReadFile(harness.Repository("envoy/follower/seed.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for part := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(part) != "" {
			statements = append(statements, part)
		}
	}
	if s.db != nil {
		s.db.Exec(t, append([]string{"DROP TABLE IF EXISTS follows"}, statements...)...)
		return
	}
	db, err := sql.Open("sqlite", s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(strings.Join(statements, ";\n")); err != nil {
		t.Fatal(err)
	}
}

// ask requests cleo's posts as a user and returns the status.
func (s *social) ask(t testing.TB, as string) (status int, err error) {
	t.Helper()
	r := &harness.Request{Method: "GET", Target: "/v1/profiles/cleo/posts", Headers: [][2]string{harness.Bearer(t, `{"id":"`+as+`"}`)}}
	answer, err := harness.Send(s.addr, r, "social-"+s.name)
	if err != nil {
		return 0, err
	}
	return answer.Status, nil
}

func (s *social) want(t *testing.T, as string, want int) {
	t.Helper()
	if status, err := s.ask(t, as); err != nil || status != want {
		t.Errorf("%s: %d, %v; want %d", as, status, err, want)
	}
}

// recovers waits until ben, who follows cleo, is let through again.
func (s *social) recovers(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, err := s.ask(t, "ben")
		if err == nil && status == http.StatusOK {
			return
		}
		if err != nil || status != http.StatusServiceUnavailable || time.Now().After(end) {
			t.Fatalf("no recovery within 30 s: %d, %v", status, err)
		}
	}
}

// TestFollowers runs the follower example on each database behind one Envoy, and
// then makes the databases fail.
func TestFollowers(t *testing.T) {
	up := harness.NewUpstream(t)
	b := harness.NewBootstrap(t, up.URL)
	var all []*social
	for _, name := range append([]string{"sqlite"}, dbtest.Names...) {
		t.Run("start/"+name, func(t2 *testing.T) {
			if name != "sqlite" {
				dbtest.Get(t2, name) // skips if the server is not installed
			}
			s := newSocial(t, name, up)
			b.AddPolicy(t, "followers-"+name, followerPolicy(t, "embedded", "unused"), s.companion.URL)
			all = append(all, s)
		})
	}
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)
	for _, s := range all {
		s.addr = at["followers-"+s.name]
		t.Run(s.name, func(t *testing.T) {
			t.Run("who may see", s.whoMaySee)
			for _, f := range faults {
				if f.of == nil || f.of(s) {
					t.Run(f.name, func(t *testing.T) {
						f.run(t, s)
						s.recovers(t)
						s.whoMaySee(t)
					})
				}
			}
			t.Run("no leaks", s.noLeaks)
		})
	}
}

func (s *social) whoMaySee(t *testing.T) {
	for as, want := range map[string]int{
		"cleo": http.StatusOK, "ben": http.StatusOK, "dan": http.StatusForbidden, "eve": http.StatusForbidden, "fay": http.StatusForbidden,
		"": http.StatusForbidden, "ben' OR '1'='1": http.StatusForbidden, "BEN": http.StatusForbidden, "ben ": http.StatusForbidden,
	} {
		s.want(t, as, want)
	}
}
