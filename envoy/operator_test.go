package envoy

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestOperatorSees: a denial is counted by route and outcome, logged in one line
// that names the clause and no claim, and shown in the access log.
func TestOperatorSees(t *testing.T) {
	const policy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
routes:
  - name: profile
    match: {methods: [GET], path: "/profile"}
    rule: {rule: and, clauses: [{rule: authenticated}, {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}]}
`
	b := newBootstrap(t, newUpstream(t))
	b.addPolicy(t, "seen", policy, "")
	p := b.launch(t)
	p.ready(t)
	at := p.listeners(t)["seen"]
	ask := func(target, claims, id string) int {
		t.Helper()
		r := &Request{Method: "GET", Target: target, Headers: [][2]string{{"x-request-id", id}}}
		if claims != "" {
			jwt, err := signToken("own", claims, "", false)
			if err != nil {
				t.Fatal(err)
			}
			r.Headers = append(r.Headers, [2]string{"authorization", "Bearer " + jwt})
		}
		answer, err := send(at, r, id)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Status
	}
	for range 3 {
		ask("/profile?id=secret-claim", `{"id":"secret-claim"}`, "")
	}
	ask("/profile?id=other", `{"id":"secret-claim"}`, "denied-1")
	ask("/profile?id=other", `{"id":"secret-claim"}`, "denied-2")
	ask("/profile", `{"id":"secret-claim"}`, "undecided")
	ask("/profile", "", "no-token")
	ask("/nowhere", "", "uncovered\" route=\"forged")

	stats, err := p.get("/stats?filter=rulegate&usedonly")
	if err != nil {
		t.Fatal(err)
	}
	for outcome, want := range map[string]int{"yes": 3, "no": 2, "unknown": 1, "token": 1} {
		line := regexp.MustCompile(`rulegate\.decision\.` + outcome + `\.profile: (\d+)`).FindStringSubmatch(stats)
		if line == nil || line[1] != fmt.Sprint(want) {
			t.Errorf("counter of %s: want %d, found %v in\n%s", outcome, want, line, stats)
		}
	}
	if prom, err := p.get("/stats/prometheus?filter=rulegate"); err != nil || !regexp.MustCompile(`\{[^}]*outcome="no",resource="profile"[^}]*\} 2`).MatchString(prom) {
		t.Errorf("prometheus: %v\n%s", err, prom)
	}
	log := p.log()
	for _, want := range []string{
		`status=403 outcome=no id="denied-1" route="profile" clause="routes[0].rule.clauses[1]"`,
		`status=403 outcome=unknown id="undecided" route="profile" clause="routes[0].rule.clauses[1]"`,
		`status=401 outcome=token id="no-token" route="profile" clause=""`,
		`status=403 outcome=uncovered id="uncovered\" route=\"forged" route=""`,
	} {
		if n := strings.Count(log, "rulegate: refused: "+want); n != 1 {
			t.Errorf("%d lines with %s in\n%s", n, want, grep(log, "refused"))
		}
	}
	if strings.Contains(log, "secret-claim") || strings.Contains(log, ownSecret) {
		t.Errorf("the log tells a claim or a secret:\n%s", grep(log, "secret"))
	}
	before := strings.Count(log, "rulegate: refused")
	for i := range 200 {
		ask("/nowhere", "", fmt.Sprintf("flood-%d", i))
	}
	log = p.log()
	if n := strings.Count(log, "rulegate: refused") - before; n < 10 || n > 150 {
		t.Errorf("want a flood of 200 refusals to be logged in part, found %d lines", n)
	}
	if access := waitFor(p, "access.log", `"id":"denied-1"`); !strings.Contains(access, "no 403 profile routes[0].rule.clauses[1]") {
		t.Errorf("access log: the decision is missing in\n%s", grep(access, "denied-1"))
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

// waitFor reads a file of Envoy's until a text is in it: access logs are
// flushed from time to time.
func waitFor(p *process, name, text string) (content string) {
	for range 150 {
		if content = p.read(name); strings.Contains(content, text) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return content
}

// TestConfigurationForms: a policy as StringValue, BytesValue and Struct is one
// policy; a Struct that lost digits is refused.
func TestConfigurationForms(t *testing.T) {
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
	up := newUpstream(t)
	b := newBootstrap(t, up)
	c := &Case{}
	for _, form := range []string{"StringValue", "BytesValue", "Struct"} {
		b.addPolicy(t, form, policy, "")
	}
	for _, form := range []string{"lossy/StringValue", "lossy/BytesValue", "lossy/Struct"} {
		b.discover(t, c, form, lossy)
	}
	b.reshape = func(listener string, configuration map[string]any) {
		text := configuration["value"].(string)
		switch {
		case strings.HasSuffix(listener, "BytesValue"):
			configuration["@type"] = "type.googleapis.com/google.protobuf.BytesValue"
			configuration["value"] = base64.StdEncoding.EncodeToString([]byte(text))
		case strings.HasSuffix(listener, "Struct"):
			configuration["@type"] = "type.googleapis.com/google.protobuf.Struct"
			configuration["value"] = json.RawMessage(text)
		}
	}
	p := b.launch(t)
	p.ready(t)
	at := p.listeners(t)
	jwt, err := signToken("own", `{"id":1}`, "", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"StringValue", "BytesValue", "Struct"} {
		for body, want := range map[string]int{`{"n":1.5}`: 200, `{"n":1.4}`: 403} {
			r := &Request{Method: "POST", Target: "/x", Body: body, Headers: [][2]string{
				{"authorization", "Bearer " + jwt}, {"content-type", "application/json"},
			}}
			answer, err := send(at[form], r, form)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Status != want {
				t.Errorf("%s: want %d, found %d %s", form, want, answer.Status, answer.Body)
			}
			got, err := up.take(form)
			if err != nil || (len(got) == 1) != (want == 200) {
				t.Fatalf("%s: the upstream got %d requests, %v", form, len(got), err)
			}
			if len(got) == 1 && !sameBody(`{"n":1.5,"seen":[true,null,{"é":"x"}]}`, got[0].Body) {
				t.Errorf("%s: the upstream got %s", form, got[0].Body)
			}
		}
	}
	for form, taken := range map[string]bool{"lossy/StringValue": true, "lossy/BytesValue": true, "lossy/Struct": false} {
		if (at[form] != "") != taken {
			t.Errorf("%s: taken is %v, want %v", form, !taken, taken)
		}
	}
	if !strings.Contains(p.log(), "google.protobuf.Struct") {
		t.Errorf("no word of the Struct in\n%s", grep(p.log(), "rulegate"))
	}
}

// TestBadConfigurationEndsEnvoy: a static configuration with a fault ends the
// start, and every fault is in the log.
func TestBadConfigurationEndsEnvoy(t *testing.T) {
	for _, name := range []string{"faults-every-fault-is-told", "faults-of-what-is-not-built-yet", "faults-missing-environment"} {
		t.Run(name, func(t *testing.T) {
			c, err := readCase("../testdata/cases/" + name + ".txtar")
			if err != nil {
				t.Fatal(err)
			}
			b := newBootstrap(t, newUpstream(t))
			b.addPolicy(t, "bad", c.Policy, "")
			p := b.launch(t)
			select {
			case <-p.ended:
			case <-time.After(startsWithin):
				t.Fatal("Envoy runs on")
			}
			if p.cmd.ProcessState.Success() {
				t.Error("Envoy ended as if all were well")
			}
			for _, f := range c.moduleFaults() {
				if !strings.Contains(p.log(), "rulegate: policy: "+f) {
					t.Errorf("no word of %q in\n%s", f, tail(p.log(), 30))
				}
			}
		})
	}
}
