package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// generate is the generator for machines without wrk, and for the short mode. Each
// client sends its next request when it has its answer.
func generate(ctx context.Context, _ string, l load) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, l.turn)
	defer cancel()
	requests := []string{l.request.wire(l.address, "")}
	if n := len(l.request.tokens); n > 0 {
		requests = make([]string, n)
		for i, token := range l.request.tokens {
			requests[i] = l.request.wire(l.address, token)
		}
	}
	if l.most > 0 {
		l.clients = min(l.clients, l.most)
	}
	var number, refused atomic.Int64
	next := func() (string, bool) {
		n := number.Add(1) - 1
		return requests[int(n)%len(requests)], ctx.Err() == nil && (l.most == 0 || n < int64(l.most))
	}
	times := make([][]time.Duration, l.clients)
	began := time.Now()
	var wait sync.WaitGroup
	for i := range l.clients {
		wait.Go(func() {
			for ctx.Err() == nil && (l.most == 0 || number.Load() < int64(l.most)) {
				converse(ctx, l.address, next, &times[i], &refused)
			}
		})
	}
	wait.Wait()
	spent := time.Since(began)
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	s := sample{Requests: len(all), Refused: int(refused.Load()), Rate: float64(len(all)) / spent.Seconds()}
	if len(all) > 0 {
		s.P50, s.P99 = all[len(all)/2], all[len(all)*99/100]
	}
	return s, nil
}

// converse sends requests on one connection until there is no next one, or until the
// connection breaks.
func converse(ctx context.Context, address string, next func() (string, bool), times *[]time.Duration, refused *atomic.Int64) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		if ctx.Err() == nil {
			refused.Add(1)
			time.Sleep(time.Millisecond)
		}
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now().Add(5 * time.Second)) })
	defer stop()
	answers := bufio.NewReader(conn)
	for text, ok := next(); ok; text, ok = next() {
		from := time.Now()
		_, err := io.WriteString(conn, text)
		var resp *http.Response
		if err == nil {
			resp, err = http.ReadResponse(answers, nil)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		if err != nil {
			refused.Add(1)
			return
		}
		*times = append(*times, time.Since(from))
		if resp.StatusCode != http.StatusOK {
			refused.Add(1)
		}
		if resp.Close {
			return
		}
	}
}

// readAll reads a body of at most 16 MiB.
func readAll(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, 16<<20))
	return string(text), err
}
