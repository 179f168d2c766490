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

// fault is a failure of a database. While run lasts, requests whose rule needs
// the database get 503; afterwards the companion recovers without help.
type fault struct {
	name string
	of   func(*social) bool // reports whether the database can fail so; nil: all can
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

// crowd sends four requests at once for each user and wants the user's status for
// all of them. wait returns when they are answered.
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
		case <-time.After(harness.RequestTimeout):
			t.Fatal("requests without a response")
		}
	}
}

// away is each user's status while there is no database. Cleo's own posts need no
// query.
var away = map[string]int{"ben": http.StatusServiceUnavailable, "dan": http.StatusServiceUnavailable, "fay": http.StatusServiceUnavailable, "cleo": http.StatusOK}

// hold keeps the server from answering queries until release.
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

// running returns the number of the companion's queries that run in the server.
func (s *social) running(t *testing.T) int {
	switch s.name {
	case "postgres":
		return s.db.Count(t, `SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%"follows"%' AND query NOT LIKE '%pg_stat_activity%'`)
	case "mariadb":
		return s.db.Count(t, "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%`follows`%' AND ID <> CONNECTION_ID()")
	}
	return 0
}

// killed kills the server while queries run in it, and starts it again.
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

// slow delays all queries beyond the companion's timeout: the companion must then
// cancel them in the server.
func slow(t *testing.T, s *social) {
	release := s.hold(t)
	defer release()
	for range 2 {
		crowd(t, s, away)()
	}
	harness.Eventually(t, "no query runs in the server", func() bool { return s.running(t) == 0 })
}

// silent keeps the connections open, but no byte arrives.
func silent(t *testing.T, s *social) {
	s.link.Hold()
	defer s.link.Release()
	crowd(t, s, away)()
}

// broken breaks the connections again and again under load: each response is the
// right one or 503.
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

// crowded takes all connections that the server allows.
func crowded(t *testing.T, s *social) {
	if s.name == "mongo" { // FerretDB does not limit connections
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

// locked holds an exclusive lock on the file for a while.
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

// fileGone renames the file for a while. The companion may still have it open, so
// the test only wants that no user who needs a row gets through.
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

// noLeaks tests that the companion has no more connections than its pool allows,
// ends on SIGTERM, and leaves no query and no connection.
func (s *social) noLeaks(t *testing.T) {
	if s.link != nil {
		if n := s.link.Open(); n > 33+4 { // the pool's, and the monitors of a MongoDB server
			t.Errorf("want at most 37 connections to the database, found %d", n)
		}
		harness.Eventually(t, "no query runs in the server", func() bool { return s.running(t) == 0 })
	}
	harness.Eventually(t, "fewer than 150 goroutines in the companion", func() bool { return s.companion.Gauge(t, "go_goroutines") < 150 })
	s.companion.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.companion.Done:
	case <-time.After(harness.RequestTimeout):
		t.Error("the companion does not stop")
	}
	if s.link != nil {
		harness.Eventually(t, "no connection to the database", func() bool { return s.link.Open() == 0 })
	}
}
