package identity

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// TestAgeOfKeys: the module tells when it has fetched the key set that is in use.
func TestAgeOfKeys(t *testing.T) {
	k, began := newKeyServer(t), time.Now().Unix()
	var running *gateway.Gateway
	addr := harness.Gateway{
		Case:   &harness.Case{Name: "age", Policy: k.policy("1h")},
		Module: harness.LoadModule(t), Upstream: harness.NewUpstream(t),
		Started: func(g *gateway.Gateway) { running = g },
	}.Start(t)
	r := &harness.Request{Method: "GET", Target: "/", Headers: [][2]string{{"authorization", "Bearer " + k.mint(t)}}}
	if answer, err := harness.Send(addr, r, "aged"); err != nil || answer.Status != http.StatusOK {
		t.Fatal(answer, err)
	}
	name := "rulegate.jwks_fetch_timestamp_seconds." + strings.ReplaceAll(strings.TrimPrefix(k.URL, "http://"), ":", "_")
	found := ""
	for range 100 {
		for _, m := range running.Metrics() {
			if m.Name == name {
				if at := int64(m.Value); at < began || at > time.Now().Unix() {
					t.Errorf("%s is %d, want a time from %d on", name, at, began)
				}
				return
			}
			found += fmt.Sprintln(m.Name)
		}
		found = ""
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("no %s in\n%s", name, found)
}
