package operate

import (
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/envoycheck"
)

// TestCheckOfDump tests that `rulegate envoy check` finds nothing in the dump of an
// Envoy with a generated configuration, but settings that were changed and an update
// that Envoy refused.
func TestCheckOfDump(t *testing.T) {
	b := harness.NewBootstrap(t, harness.NewUpstream(t).URL)
	const policy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
routes:
  - {name: order, match: {methods: [POST], path: /order}, rule: {rule: match, type: string, eval: "==", f1: args.params.ip, f2: args.request.ip}}
`
	b.AddPolicy(t, "good", policy, "")
	b.AddPolicy(t, "bad", policy, "")
	b.Alter["bad"] = func(manager map[string]any) {
		manager["use_remote_address"] = false
		harness.PluginConfig(manager)["failure_policy"] = "FAIL_CLOSED"
	}
	b.Discover(t, &harness.Case{}, "refused", "routes: [{match: {path: /}, rule: {rule: alow}}]")
	p := b.Start(t)
	p.Ready(t)
	dump, err := p.AdminGet("/config_dump")
	if err != nil {
		t.Fatal(err)
	}
	found, err := envoycheck.Check("dump.json", []byte(dump), envoycheck.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	for _, f := range found {
		codes[f.Code]++
	}
	if len(codes) != 3 || codes["refused-update"] == 0 || codes["forwarded-for"] != 1 || codes["failure-policy"] != 1 {
		t.Errorf("want the two settings of the listener \"bad\" and the listener \"refused\", found %v: %+v", codes, found)
	}
}
