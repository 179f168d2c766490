package companion

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/dbtest"
)

// Whatever befalls the way to a server, each query ends by its deadline, the next
// ones are answered again, and neither goroutines nor connections stay.
func TestFaultsLeaveNothingBehind(t *testing.T) {
	const callers = 40
	allServers(t, func(t *testing.T, s *dbServer) {
		s.loadTyped(t).Close()
		link := dbtest.NewLink(t, s.Addr())
		before := runtime.NumGoroutine()
		db, err := open(Source{Type: s.Type, Conn: s.ConnVia(link.Addr)}, 8)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ask := func(n int, patience time.Duration) (rows string, err error) {
			e, err := parseFind(t, fmt.Sprintf(`{"name":"alice","n":{"$ne":%d}}`, n))
			if err != nil {
				return "", err
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			out, err := db.Query(ctx, Query{Table: "things", Where: e, Columns: []string{"name"}, Limit: 5, Bytes: 1000})
			return string(out), err
		}
		const right = `[{"name":"alice"}]`
		well := func() {
			t.Helper()
			for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				if rows, err := ask(1, 5*time.Second); err == nil && rows == right {
					return
				} else if err == nil || time.Now().After(end) {
					t.Fatalf("it does not recover: %s, %v", rows, err)
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
					} else if err != nil && strings.Contains(name, "silent") && phraseOf(err, databaseError) == databaseError {
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
				t.Fatalf("%s: queries go on behind their deadline", name)
			}
			link.Release()
			// The pool's, and those that watch a MongoDB server.
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
				t.Fatalf("%d connections and %d goroutines stay, of %d\n%s", link.Open(), runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
			}
		}
	})
}
