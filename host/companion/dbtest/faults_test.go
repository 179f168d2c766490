package dbtest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
)

// When the connection to a server fails in any way, each query ends by its deadline,
// later queries are answered again, and no goroutine or connection is left.
func TestFaultsLeaveNothingBehind(t *testing.T) {
	const callers = 40
	allServers(t, func(t *testing.T, s *dbServer) {
		s.loadTyped(t).Close()
		link := dbtest.NewLink(t, s.Addr())
		before := runtime.NumGoroutine()
		db := s.connectVia(t, s.ConnVia(link.Addr), 8)
		ask := func(n int, patience time.Duration) (rows string, err error) {
			e, err := dbtest.Find(t, fmt.Sprintf(`{"name":"alice","n":{"$ne":%d}}`, n))
			if err != nil {
				return "", err
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			out, err := db.Query(ctx, query.Query{Table: "things", Where: e, Columns: []string{"name"}, Limit: 5, Bytes: 1000})
			return string(out), err
		}
		const right = `[{"name":"alice"}]`
		well := func() {
			t.Helper()
			for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				if rows, err := ask(1, 5*time.Second); err == nil && rows == right {
					return
				} else if err == nil || time.Now().After(end) {
					t.Fatalf("no recovery: %s, %v", rows, err)
				}
			}
		}
		for name, fault := range map[string]func(){
			"silent": link.Hold, "refusing": func() { link.Shut(); link.Cut() }, "broken": link.Cut, "silent, then broken": func() { link.Hold(); link.Cut() },
		} {
			well()
			fault()
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() {
					if rows, err := ask(i+100, 300*time.Millisecond); err == nil && rows != right {
						t.Errorf("%s: %s", name, rows)
					} else if err != nil && strings.Contains(name, "silent") && failure.PhraseOf(err, failure.Database) == failure.Database {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			ended := make(chan struct{})
			go func() {
				all.Wait()
				close(ended)
			}()
			select {
			case <-ended:
			case <-time.After(30 * time.Second):
				t.Fatalf("%s: queries run beyond their deadline", name)
			}
			link.Release()
			// Those of the pool, and those that monitor a MongoDB server.
			for end := time.Now().Add(30 * time.Second); link.Open() > 8+4; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: %d connections", name, link.Open())
				}
			}
		}
		well()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(30 * time.Second); link.Open() > 0 || runtime.NumGoroutine() > before+2; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				buf := make([]byte, 1<<16)
				t.Fatalf("%d connections and %d goroutines are left, %d before\n%s", link.Open(), runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
			}
		}
	})
}
