package mesh

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// The application and its webhook, the companion and the registry of the tests.
const (
	applicationAt = node + ":8080"
	hookAt        = node + ":8082"
	companionAt   = node + ":9000"
	registryAt    = node + ":5000"
)

const quickstart = "../../envoy/quickstart/policy.yaml"

// variables are those of the policies, for the environment of all programs.
var variables = sync.OnceValue(func() []string {
	return []string{"JWT_SECRET=" + rand.Text() + rand.Text(), "SOCIAL_DB=" + work("social.db"), "WELCOME_URL=http://127.0.0.1:8082/welcome"}
})

// setVariables puts them into the environment of this process, for the command.
func setVariables(t *testing.T) []string {
	t.Helper()
	for _, v := range variables() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	return variables()
}

// needServers starts the quickstart's application and companion, for all tests.
func needServers(t *testing.T) {
	t.Helper()
	setVariables(t)
	if err := servers(); err != nil {
		t.Fatal(err)
	}
}

var servers = sync.OnceValue(func() error {
	if _, err := output("", command("quickstart/seed"), work("social.db"), "../../envoy/quickstart/seed.sql"); err != nil {
		return err
	}
	policy, err := absolute(quickstart)
	if err != nil {
		return err
	}
	upstream, err := launch("upstream", nil, command("quickstart/upstream"), "-listen", "0.0.0.0:8080", "-hook", "127.0.0.1:8082")
	if err != nil {
		return err
	}
	companion, err := launch("companion", nil, command("rulegate"), "serve", policy, "--listen", companionAt)
	if err != nil {
		return err
	}
	for p, url := range map[*process]string{upstream: "http://" + applicationAt, companion: "http://" + companionAt} {
		if err := within(time.Minute, p, func() error { _, _, err := ask(request{url: url}); return err }); err != nil {
			return err
		}
	}
	return nil
})

// request is one with a JSON body, or a GET without one.
type request struct {
	url, token, body string
}

var client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

func ask(r request) (status int, body string, err error) {
	method := http.MethodGet
	if r.body != "" {
		method = http.MethodPost
	}
	call, err := http.NewRequest(method, r.url, strings.NewReader(r.body))
	if err != nil {
		return 0, "", err
	}
	if r.body != "" {
		call.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		call.Header.Set("Authorization", "Bearer "+r.token)
	}
	answer, err := client.Do(call)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// want asks and compares.
func (r request) want(status int, shows string) error {
	got, body, err := ask(r)
	if err != nil {
		return err
	}
	if got != status || !strings.Contains(body, shows) {
		return fmt.Errorf("%s %s: want %d with %q, found %d %s", r.url, r.body, status, shows, got, body)
	}
	return nil
}

// mint returns a token for a policy.
func mint(t *testing.T, policy, claims string) string {
	t.Helper()
	return strings.TrimSpace(must(t, rulegate("token", "mint", "--policy", policy, "--claims", claims, "--ttl", "1h")...))
}

// askQuickstart sends the quickstart's requests to a gateway: with and without the
// companion, its webhook too, refused and let through.
func askQuickstart(t *testing.T, base string) {
	t.Helper()
	ana, ben := mint(t, quickstart, `{"id":"ana","role":"member"}`), mint(t, quickstart, `{"id":"ben","role":"member"}`)
	const unsigned = "eyJhbGciOiJub25lIn0.eyJpZCI6ImFuYSIsInJvbGUiOiJhZG1pbiJ9."
	for _, c := range []struct {
		path, token, body string
		status            int
		shows             string
	}{
		{"/v1/posts", ana, `{"text":"hello","author":"cleo"}`, 200, `"author": "ana"`},
		{"/v1/posts", ana, `{"text":"` + strings.Repeat("x", 281) + `"}`, 403, "at most 280 bytes"},
		{"/v1/posts", "", `{"text":"hello"}`, 401, "error"},
		{"/v1/posts", unsigned, `{"text":"hello"}`, 401, "error"},
		{"/v1/posts", ana, `{"text":"` + strings.Repeat("x", 300<<10) + `"}`, 403, "at most 280 bytes"},
		{"/v1/posts", ana, `{"text":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "error"},
		{"/v1/profiles/ben", ana, "", 200, `"x-user-id": "ana"`},
		{"/v1/profiles/cleo", ben, "", 200, `"x-user-id": "ben"`},
		{"/v1/profiles/cleo", ana, "", 403, "this profile is private"},
		{"/v1/sign-up", "", `{"email":"dan@mail.example","password":"abc"}`, 200, `"team": "newcomers"`},
		{"/v1/sign-up", "", `{"email":"dan@spam.example","password":"abc"}`, 403, "you cannot join"},
		{"/v1/profiles%2fben", ana, "", 400, ""},
		{"/v1/reports", ana, "", 403, "for moderators only"},
		{"/elsewhere", ana, "", 403, "error"},
	} {
		r := request{base + c.path, c.token, c.body}
		if err := r.want(c.status, c.shows); err != nil {
			t.Error(err)
		}
	}
}
