package companion

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// fault is something that befalls a database. Until it is over nobody is let
// through who needs the database's word; afterwards it recovers by itself.
type fault struct {
	name string
	of   func(*social) bool // nil: of all
	run  func(*testing.T, *social)
}

func ofServers(s *social) bool { return s.db != nil }

func ofFiles(s *social) bool { return s.db == nil }

var faults = []fault{
	{"killed in a query, refusing, restarted", ofServers, killed},
	{"slow", ofServers, slow},
	{"silent", ofServers, silent},
	{"connections break", ofServers, broken},
	{"out of connections", ofServers, crowded},
	{"locked", ofFiles, locked},
	{"its file is gone", ofFiles, fileGone},
}

// crowd asks as several at once and wants the same of all.
func crowd(t *testing.T, s *social, want map[string]int) (wait func()) {
	t.Helper()
	var all sync.WaitGroup
	for as, status := range want {
		for range 4 {
			all.Go(func() { s.want(t, as, status) })
		}
	}
	return func() {
		t.Helper()
		done := make(chan struct{})
		go func() {
			all.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(harness.AnswerWithin):
			t.Fatal("some are not answered")
		}
	}
}

// away is what everybody gets while there is no database: whose rule is decided
// without it is let through still.
var away = map[string]int{"ben": http.StatusServiceUnavailable, "dan": http.StatusServiceUnavailable, "fay": http.StatusServiceUnavailable, "cleo": http.StatusOK}

// hold keeps queries in the server, unanswered, until release.
func (s *social) hold(t *testing.T) (release func()) {
	t.Helper()
	statements := map[string][2]string{
		"postgres": {"BEGIN; LOCK TABLE follows IN ACCESS EXCLUSIVE MODE", "COMMIT"},
		"mariadb":  {"LOCK TABLES follows WRITE", "UNLOCK TABLES"},
	}[s.name]
	if statements[0] == "" {
		s.db.Pause(t)
		return func() { s.db.Resume(t) }
	}
	db := s.db.SQL(t)
	c, err := db.Conn(context.Background())
	if err == nil {
		_, err = c.ExecContext(context.Background(), statements[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		c.ExecContext(context.Background(), statements[1]) // the server may be gone
		c.Close()
	}
}

// running counts the queries of the companion that the server works on.
func (s *social) running(t *testing.T) int {
	switch s.name {
	case "postgres":
		return s.db.Count(t, `SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%"follows"%' AND query NOT LIKE '%pg_stat_activity%'`)
	case "mariadb":
		return s.db.Count(t, "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%`follows`%' AND ID <> CONNECTION_ID()")
	}
	return 0
}

// killed: the server dies while it works on queries; is away; comes back.
func killed(t *testing.T, s *social) {
	release := s.hold(t)
	asked := s.link.Asked()
	wait := crowd(t, s, away)
	harness.Eventually(t, "a query in the server", func() bool {
		return s.link.Asked() > asked && (s.name == "mongo" || s.running(t) > 0)
	})
	s.db.Stop()
	wait()
	release()
	crowd(t, s, away)()
	s.db.Restart(t)
}

// slow: the server answers nobody in time, and is not left with what nobody waits for.
func slow(t *testing.T, s *social) {
	release := s.hold(t)
	defer release()
	for range 2 {
		crowd(t, s, away)()
	}
	harness.Eventually(t, "the server is told to stop", func() bool { return s.running(t) == 0 })
}

// silent: connections stand, and nothing comes by them any more.
func silent(t *testing.T, s *social) {
	s.link.Hold()
	defer s.link.Release()
	crowd(t, s, away)()
}

// broken: connections break, again and again, under load. Some are answered, and
// all of them rightly.
func broken(t *testing.T, s *social) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for _, as := range []string{"ben", "ben", "dan", "fay"} {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, err := s.ask(t, as)
				right := map[string]int{"ben": http.StatusOK}[as]
				if right == 0 {
					right = http.StatusForbidden
				}
				if err != nil || status != right && status != http.StatusServiceUnavailable {
					t.Errorf("%s: %d, %v", as, status, err)
					return
				}
			}
		})
	}
	for range 20 {
		time.Sleep(20 * time.Millisecond)
		s.link.Cut()
	}
	close(stop)
	all.Wait()
}

// crowded: others have all connections that the server gives.
func crowded(t *testing.T, s *social) {
	if s.name == "mongo" { // FerretDB has no bound of its own
		s.link.Shut()
		s.link.Cut()
		crowd(t, s, away)()
		s.link.Release()
		return
	}
	s.link.Shut()
	s.link.Cut()
	leave := s.db.Crowd(t)
	defer leave()
	s.link.Release()
	crowd(t, s, away)()
}

// locked: somebody writes to the file, for long.
func locked(t *testing.T, s *social) {
	db, err := sql.Open("sqlite", s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	crowd(t, s, away)()
	if _, err := db.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
}

// fileGone: there is no file, then there is again. Who has it open goes on reading
// it, so another companion finds nothing.
func fileGone(t *testing.T, s *social) {
	if err := os.Rename(s.file, s.file+".away"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.Rename(s.file+".away", s.file); err != nil {
			t.Fatal(err)
		}
	}()
	status, err := s.ask(t, "fay")
	if err != nil || status == http.StatusOK {
		t.Errorf("%d, %v", status, err)
	}
}

// leavesNothing: the companion ends well, and keeps no connection; while it runs
// it has no more than it may.
func (s *social) leavesNothing(t *testing.T) {
	if s.link != nil {
		if n := s.link.Open(); n > 33+4 { // a pool's, and those that watch a MongoDB server
			t.Errorf("%d connections to the database", n)
		}
		harness.Eventually(t, "no query of the companion in the server", func() bool { return s.running(t) == 0 })
	}
	harness.Eventually(t, "the companion's goroutines have ended", func() bool { return s.companion.Gauge(t, "go_goroutines") < 150 })
	s.companion.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.companion.Done:
	case <-time.After(harness.AnswerWithin):
		t.Error("the companion does not stop")
	}
	if s.link != nil {
		harness.Eventually(t, "no connection to the database", func() bool { return s.link.Open() == 0 })
	}
}
