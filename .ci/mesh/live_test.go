package mesh

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// livePolicy returns the policy of an order with another limit. The answers show the
// limit: the upstream gets it as a field of the body, and a refusal names it.
func livePolicy(t *testing.T, limit int) string {
	t.Helper()
	text, err := os.ReadFile("testdata/order.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer("f2: 100", fmt.Sprintf("f2: %d", limit), "at most 100 a time", fmt.Sprintf("at most %d a time", limit)).Replace(string(text))
	changed += fmt.Sprintf("        - {rule: force, field: args.params.limit, value: %d}\n", limit)
	return write(t, fmt.Sprintf("order-%d.yaml", limit), changed)
}

// underLoad changes the policy from the limit 100 to the limit 200 while clients send
// requests that are let through, refused by a rule, and refused for want of a token. Each
// must be answered by one of the two policies. In the end only the new one answers.
func underLoad(t *testing.T, url string, change func()) {
	t.Helper()
	token := mint(t, "testdata/order.yaml", `{"id":"ana"}`)
	order := func(amount int) request {
		return request{url, token, fmt.Sprintf(`{"amount":%d,"buyer":"eve"}`, amount)}
	}
	requests := []request{order(7), order(900), {url, "", `{"amount":7}`}}
	// A policy before that may have refused the same with the same words: the field shows
	// which one it is. A connection from its time stays with it, so all are new.
	wait(t, "the old policy decides", nil, func() error {
		client.CloseIdleConnections()
		return order(7).want(200, `"limit": 100`)
	})

	var lock sync.Mutex
	counts := map[string]int{}
	var newer, enough atomic.Bool
	var clients sync.WaitGroup
	deadline := time.Now().Add(time.Minute)
	for client := range 4 {
		clients.Go(func() {
			for n := client; !enough.Load() && time.Now().Before(deadline); n++ {
				r := requests[n%len(requests)]
				status, body, err := ask(r)
				kind := answered(status, body, err)
				lock.Lock()
				counts[kind]++
				lock.Unlock()
				newer.Store(newer.Load() || strings.HasPrefix(kind, "200 a time"))
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	time.Sleep(time.Second)
	from := time.Now()
	change()
	for !newer.Load() && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	live := time.Since(from)
	time.Sleep(2 * time.Second)
	enough.Store(true)
	clients.Wait()
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[kind], kind)
		if !slices.Contains(expected, kind) {
			t.Errorf("%d requests were lost, or answered by neither policy: %s", counts[kind], kind)
		}
	}
	for _, kind := range expected {
		if counts[kind] == 0 {
			t.Errorf("no request was answered by: %s", kind)
		}
	}
	t.Logf("the new policy was live after %v", live.Round(100*time.Millisecond))
	for range 50 {
		if err := order(150).want(200, `"limit": 200`); err != nil {
			t.Errorf("after the change: %v", err)
		}
	}
}

var expected = []string{"100 a time: let through", "100 a time: refused", "200 a time: let through", "200 a time: refused", "no token"}

// answered returns which policy gave an answer, and how.
func answered(status int, body string, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case status == 401 && strings.Contains(body, `"error"`):
		return "no token"
	}
	for _, limit := range []string{"100", "200"} {
		switch {
		case status == 200 && strings.Contains(body, `"limit": `+limit) && strings.Contains(body, `"buyer": "ana"`):
			return limit + " a time: let through"
		case status == 403 && strings.Contains(body, "at most "+limit+" a time"):
			return limit + " a time: refused"
		}
	}
	return fmt.Sprint(status, " ", body)
}
