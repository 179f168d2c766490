package companion

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/rules/wire"
)

// BenchmarkOverhead measures a query by its key: with the driver alone, and with the
// companion as the module calls it, over HTTP, with token and seal. added-µs is the
// difference of the medians.
func BenchmarkOverhead(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		path := dbtest.SQLite(b, benchTable("sqlite"))
		db, err := sql.Open("sqlite", path)
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		overhead(b, Source{Type: "embedded", Conn: path}, func(id string) (age int64, err error) {
			return age, db.QueryRow("SELECT age FROM people WHERE id = ? LIMIT 1", id).Scan(&age)
		})
	})
	b.Run("postgres", func(b *testing.B) {
		s := dbtest.Get(b, "postgres")
		s.Exec(b, "DROP TABLE IF EXISTS people", benchTable("postgres"))
		pool, err := pgxpool.New(context.Background(), s.Conn)
		if err != nil {
			b.Fatal(err)
		}
		defer pool.Close()
		overhead(b, Source{Type: "sql-postgres", Conn: s.Conn}, func(id string) (age int64, err error) {
			return age, pool.QueryRow(context.Background(), "SELECT age FROM people WHERE id = $1 LIMIT 1", id).Scan(&age)
		})
	})
}

const benchRows = 1000

// benchTable makes a table with benchRows people, p0 and so on.
func benchTable(db string) string {
	const create = `CREATE TABLE people (id TEXT PRIMARY KEY, age BIGINT);`
	if db == "postgres" {
		return create + fmt.Sprintf(`INSERT INTO people SELECT 'p' || x, x FROM generate_series(0, %d) x`, benchRows-1)
	}
	return create + fmt.Sprintf(`INSERT INTO people WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c LIMIT %d) SELECT 'p' || x, x FROM c`, benchRows)
}

func overhead(b *testing.B, s Source, bare func(id string) (int64, error)) {
	s.Name, s.Collections = "bench", []string{"people"}
	c, err := New(Config{Project: "shop", Keys: testKeys, Databases: []Source{s}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(c)
	defer func() {
		srv.Close()
		c.Close(context.Background())
	}()
	for range 50 { // warm up connections, catalogues and code
		if _, err := bare("p1"); err != nil {
			b.Fatal(err)
		}
		post(b, srv.URL, 1)
	}
	var p50 time.Duration
	b.Run("driver", func(b *testing.B) {
		b.ReportAllocs()
		p50 = median(b, func(n int) time.Duration {
			id, at := fmt.Sprint("p", n%benchRows), time.Now()
			if age, err := bare(id); err != nil || age != int64(n%benchRows) {
				b.Fatal(age, err)
			}
			return time.Since(at)
		})
	})
	b.Run("companion", func(b *testing.B) {
		b.ReportAllocs()
		whole := median(b, func(n int) time.Duration { return post(b, srv.URL, n%benchRows) })
		b.ReportMetric(float64(whole-p50)/1e3, "added-µs")
	})
}

// median reports the median of the durations that ask measures.
func median(b *testing.B, ask func(n int) time.Duration) time.Duration {
	var all []time.Duration
	for n := 0; b.Loop(); n++ {
		all = append(all, ask(n))
	}
	slices.Sort(all)
	p50 := all[len(all)/2]
	b.ReportMetric(float64(p50)/1e3, "p50-µs")
	return p50
}

// post asks for one person. The time to make the token, the module's part, does not
// count.
func post(b testing.TB, url string, n int) time.Duration {
	body := fmt.Appendf(nil, `{"calls":[{"id":"1","kind":"query","db":"bench","col":"people","find":{"id":"p%d"},"columns":["age"],"limit":1}]}`, n)
	req, err := http.NewRequest("POST", url+wire.Path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", testKeys.Sign("shop", body, time.Now()))
	at := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	took := time.Since(at)
	if want := fmt.Sprintf(`{"replies":[{"id":"1","rows":[{"age":%d}]}]}`, n); err != nil || string(got) != want {
		b.Fatalf("%s, %v", got, err)
	}
	return took
}

// TestMemoryStaysFlat runs 12,000 requests and checks that the heap does not grow
// after the first 4,000, which fill the cache.
func TestMemoryStaysFlat(t *testing.T) {
	c, err := New(Config{
		Project: "shop", Keys: testKeys, Log: slog.New(slog.DiscardHandler), Limits: Limits{Cache: 1 << 20},
		Databases: []Source{{Name: "bench", Type: "embedded", Conn: dbtest.SQLite(t, benchTable("sqlite")), Collections: []string{"people"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	round := func(from int) (heap uint64) {
		var wait sync.WaitGroup
		for worker := range 8 {
			wait.Go(func() {
				for n := range 500 {
					body := fmt.Appendf(nil, `{"calls":[{"id":"1","kind":"query","db":"bench","col":"people","find":{"id":"p%d-%d-%d"},"cache":"1h"}]}`, from, worker, n)
					req := httptest.NewRequest("POST", wire.Path, bytes.NewReader(body))
					req.Header.Set("Authorization", testKeys.Sign("shop", body, time.Now()))
					w := httptest.NewRecorder()
					if c.ServeHTTP(w, req); w.Code != 200 {
						t.Errorf("%d %s", w.Code, w.Body)
					}
				}
			})
		}
		wait.Wait()
		runtime.GC()
		runtime.GC() // the second one empties each sync.Pool
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	first := round(0) // the cache is full: an entry takes some 300 bytes
	last := first
	for n := range 2 {
		last = round(n + 1)
	}
	if goroutines := runtime.NumGoroutine(); goroutines > 100 {
		t.Errorf("%d goroutines", goroutines)
	}
	if last > first+2<<20 {
		t.Errorf("%d KiB after 4,000 requests, %d KiB after 12,000", first>>10, last>>10)
	}
}

// BenchmarkRequest is a whole request: token, decoding, query, seal, over HTTP.
func BenchmarkRequest(b *testing.B) {
	r := newRig(b, Limits{})
	b.ReportAllocs()
	for b.Loop() {
		if got := r.one(annCall + `}`); !strings.Contains(got, "30") {
			b.Fatal(got)
		}
	}
}
