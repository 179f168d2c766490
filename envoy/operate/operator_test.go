// Package operate tests the operator's view of Envoy: logs, statistics, timeouts,
// traps and bad configuration.
package operate

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestOperator tests the operator's view: statistics, logs, timeouts and forms of
// configuration.
func TestOperator(t *testing.T) {
	harness.RunParts(t, []harness.Part{
		{Name: "statistics and logs", Setup: statisticsAndLogs},
		{Name: "body timeout", Setup: bodyTimeout},
		{Name: "no token in logs", Setup: noTokenInLogs},
		{Name: "configuration forms", Setup: configurationForms},
	})
}

// statisticsAndLogs tests that a denial is counted by route and outcome, logged
// in one line that names the clause and no claim, and shown in the access log.
func statisticsAndLogs(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	b.AddPolicy(t, "seen", `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
routes:
  - name: profile
    match: {methods: [GET], path: "/profile"}
    rule: {rule: and, clauses: [{rule: authenticated}, {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}]}
`, "")
	// A VM logs a bounded number of refusals a second. With a VM of its own this
	// listener's lines do not depend on what the other parts have logged.
	b.Alter["seen"] = func(manager map[string]any) {
		harness.PluginConfig(manager)["vm_config"].(map[string]any)["vm_id"] = "seen"
	}
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)["seen"]
		ask := func(target, claims string) {
			t.Helper()
			r := &harness.Request{Method: "GET", Target: target}
			if claims != "" {
				r.Headers = [][2]string{harness.Bearer(t, claims)}
			}
			if _, err := harness.Send(at, r, target); err != nil {
				t.Fatal(err)
			}
		}
		const claims = `{"id":"secret-claim"}`
		for range 3 {
			ask("/profile?id=secret-claim", claims)
		}
		ask("/profile?id=other", claims)
		ask("/profile?id=other", claims)
		ask("/profile", claims)
		ask("/profile", "")
		ask("/nowhere", "")
		checkStatistics(t, p)
		checkLog(t, p)

		before := strings.Count(p.Log(), "rulegate: refused")
		for range 200 {
			ask("/nowhere", "")
		}
		if n := strings.Count(p.Log(), "rulegate: refused") - before; n < 1 || n > 190 {
			t.Errorf("200 refusals: want 1 to 190 log lines, found %d", n)
		}
		access := waitFor(p, "access.log", `no 403 profile`)
		if !strings.Contains(access, "no 403 profile routes[0].rule.clauses[1]") {
			t.Errorf("no decision in the access log:\n%s", harness.Tail(access, 20))
		}
	}
}

func checkStatistics(t *testing.T, p *harness.Process) {
	t.Helper()
	for outcome, count := range map[string]string{"yes": "3", "no": "2", "unknown": "1", "token": "1"} {
		want := "rulegate.decisions_total." + outcome + ".profile: " + count + "\n"
		if stats := p.AwaitAdmin(t, "/stats?filter=rulegate&usedonly", want); !strings.Contains(stats, want) {
			t.Errorf("want %s, found\n%s", want, stats)
		}
	}
	prom, err := p.AdminGet("/stats/prometheus?filter=rulegate")
	if err != nil || !regexp.MustCompile(`\{[^}]*outcome="no",resource="profile"[^}]*\} 2`).MatchString(prom) {
		t.Errorf("prometheus: %v\n%s", err, prom)
	}
}

func checkLog(t *testing.T, p *harness.Process) {
	t.Helper()
	log := grep(p.Log(), " seen ") // the lines of the listener "seen"
	for line, times := range map[string]int{
		`status=403 outcome=no id="ID" route="profile" clause="routes[0].rule.clauses[1]"`:      2,
		`status=403 outcome=unknown id="ID" route="profile" clause="routes[0].rule.clauses[1]"`: 1,
		`status=401 outcome=token id="ID" route="profile" clause=""`:                            1,
		`status=403 outcome=uncovered id="ID" route="" clause=""`:                               1,
	} {
		pattern := strings.Replace(regexp.QuoteMeta(line), "ID", "[0-9a-f-]{36}", 1)
		if n := len(regexp.MustCompile("rulegate: refused: "+pattern).FindAllString(log, -1)); n != times {
			t.Errorf("want %d lines with %s, found %d in\n%s", times, line, n, log)
		}
	}
	if strings.Contains(p.Log(), "secret-claim") || strings.Contains(p.Log(), harness.OwnSecret) {
		t.Errorf("the log has a claim or a secret:\n%s", grep(p.Log(), "secret"))
	}
}

func grep(text, word string) string {
	var found []string
	for _, l := range strings.Split(text, "\n") {
		if strings.Contains(l, word) {
			found = append(found, l)
		}
	}
	return strings.Join(found, "\n")
}

// waitFor reads a file of Envoy until it has a text, or for 15 s: Envoy buffers
// its access log.
func waitFor(p *harness.Process, name, text string) (content string) {
	for range 150 {
		if content = p.Read(name); strings.Contains(content, text) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return content
}

// configurationForms tests that a policy works as StringValue, BytesValue and
// Struct, and that a Struct with a number that lost digits is refused.
func configurationForms(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	const policy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases}]}
routes:
  - match: {methods: [POST], path: "/x"}
    rule: {rule: and, clauses: [{rule: match, type: number, eval: ">=", f1: args.params.n, f2: 1.5}, {rule: force, field: args.params.seen, value: [true, null, {"é": "x"}]}]}
`
	const lossy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases}]}
routes:
  - match: {methods: [GET], path: "/x"}
    rule: {rule: match, type: number, eval: "==", f1: args.auth.id, f2: 9007199254740993}
`
	forms := []string{"StringValue", "BytesValue", "Struct"}
	for _, form := range forms {
		b.AddPolicy(t, form, policy, "")
		b.Discover(t, &harness.Case{}, "lossy/"+form, lossy)
		for _, listener := range []string{form, "lossy/" + form} {
			b.Alter[listener] = func(manager map[string]any) {
				reshape(form, harness.PluginConfig(manager)["configuration"].(map[string]any))
			}
		}
	}
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		for _, form := range forms {
			for body, through := range map[string]bool{`{"n":1.5}`: true, `{"n":1.4}`: false} {
				r := &harness.Request{Method: "POST", Target: "/x", Body: body, Headers: [][2]string{harness.Bearer(t, `{"id":1}`), {"content-type", "application/json"}}}
				answer, err := harness.Send(at[form], r, form)
				if err != nil {
					t.Fatal(err)
				}
				got, err := up.Take(form)
				if err != nil || (len(got) == 1) != through {
					t.Fatalf("%s: %d %s, the upstream got %d requests, %v", form, answer.Status, answer.Body, len(got), err)
				}
				if through && !harness.SameBody(`{"n":1.5,"seen":[true,null,{"é":"x"}]}`, got[0].Body) {
					t.Errorf("%s: the upstream got %s", form, got[0].Body)
				}
			}
			if taken := at["lossy/"+form] != ""; taken != (form != "Struct") {
				t.Errorf("an integer beyond 2^53 as %s: accepted is %v", form, taken)
			}
		}
		if !strings.Contains(p.Log(), "google.protobuf.Struct") {
			t.Errorf("no google.protobuf.Struct in the log:\n%s", grep(p.Log(), "lossy"))
		}
	}
}

// reshape turns a StringValue with a policy into another message.
func reshape(form string, configuration map[string]any) {
	text := configuration["value"].(string)
	switch form {
	case "BytesValue":
		configuration["@type"] = "type.googleapis.com/google.protobuf.BytesValue"
		configuration["value"] = base64.StdEncoding.EncodeToString([]byte(text))
	case "Struct":
		configuration["@type"] = "type.googleapis.com/google.protobuf.Struct"
		configuration["value"] = json.RawMessage(text)
	}
}

// TestBadConfigurationEndsEnvoy tests that Envoy exits if a policy in its static
// configuration has faults, and that its log has all of them.
func TestBadConfigurationEndsEnvoy(t *testing.T) {
	for _, name := range []string{"faults-every-fault-is-told", "faults-missing-environment"} {
		t.Run(name, func(t *testing.T) {
			c, err := harness.ReadCase(harness.Repository("testdata/cases", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			b := harness.NewBootstrap(t, harness.NewUpstream(t).URL)
			b.AddPolicy(t, "bad", c.Policy, "")
			p := b.Start(t)
			select {
			case <-p.Ended:
			case <-time.After(harness.StartTimeout):
				t.Fatal("Envoy still runs")
			}
			if p.Cmd.ProcessState.Success() {
				t.Error("Envoy exited with status 0")
			}
			for _, f := range c.ModuleFaults() {
				if !strings.Contains(p.Log(), "rulegate: policy: "+f) {
					t.Errorf("no fault %q in the log:\n%s", f, harness.Tail(p.Log(), 30))
				}
			}
		})
	}
}
