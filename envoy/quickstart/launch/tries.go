package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// try is one command to paste and the answer to expect.
type try struct {
	title   string
	method  string // "": POST if there is a body, else GET
	url     string
	headers [][2]string
	body    string // JSON, or ""

	status int
	shows  []string // texts that the answer contains
	hides  []string // texts that it does not contain
}

// unsigned is a token with alg none, which claims to be an admin.
const unsigned = "eyJhbGciOiJub25lIn0.eyJpZCI6ImFuYSIsInJvbGUiOiJhZG1pbiJ9."

// tries returns the commands, with new tokens. Most refusals have a twin above them
// that is let through.
func (s *setup) tries(ctx context.Context) ([]try, error) {
	var bearer [3][2]string
	for i, claims := range []string{
		`{"id":"ana","role":"member"}`,
		`{"id":"ben","role":"member"}`,
		`{"id":"mia","role":"moderator"}`,
	} {
		token, err := s.mint(ctx, claims)
		if err != nil {
			return nil, err
		}
		bearer[i] = [2]string{"Authorization", "Bearer " + token}
	}
	ana, ben, mia := bearer[0], bearer[1], bearer[2]
	base := url(s.at.gateway)
	with := func(headers ...[2]string) [][2]string { return headers }
	return []try{
		{title: "allowed: Ana sees Ben's profile, which is public",
			url: base + "/v1/profiles/ben", headers: with(ana),
			status: 200, shows: []string{`"x-user-id": "ana"`}},
		{title: "allowed: Ben sees Cleo's private profile, because he follows her",
			url: base + "/v1/profiles/cleo", headers: with(ben),
			status: 200, shows: []string{`"x-user-id": "ben"`}},
		{title: "allowed: Mia, a moderator, sees the reports",
			url: base + "/v1/reports", headers: with(mia),
			status: 200, shows: []string{`"path": "/v1/reports"`}},
		{title: "allowed: a browser's preflight before a post, without a token",
			method: "OPTIONS", url: base + "/v1/posts",
			status: 200, shows: []string{`"method": "OPTIONS"`}},

		{title: "rewritten: Ana posts as Cleo; the upstream gets the author from the token",
			url: base + "/v1/posts", headers: with(ana, [2]string{"x-user-id", "cleo"}),
			body:   `{"text":"hello","author":"cleo"}`,
			status: 200, shows: []string{`"author": "ana"`, `"x-user-id": "ana"`}, hides: []string{"cleo"}},
		{title: "rewritten: Dan signs up as admin; the upstream gets a hash of the password, the role member, and the team from the webhook",
			url:    base + "/v1/sign-up",
			body:   `{"email":"dan@mail.example","password":"abc","role":"admin"}`,
			status: 200, shows: []string{`"password": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="`, `"role": "member"`, `"team": "newcomers"`},
			hides: []string{`"abc"`, "admin"}},

		{title: "refused: Ana does not follow Cleo",
			url: base + "/v1/profiles/cleo", headers: with(ana),
			status: 403, shows: []string{"this profile is private"}},
		{title: "refused: Ana is not a moderator",
			url: base + "/v1/reports", headers: with(ana),
			status: 403, shows: []string{"for moderators only"}},
		{title: "refused: the webhook says no to this e-mail address",
			url:    base + "/v1/sign-up",
			body:   `{"email":"dan@spam.example","password":"abc"}`,
			status: 403, shows: []string{"you cannot join with these data"}},
		{title: "refused: the body has the key \"text\" twice, so two parsers could read it differently",
			url: base + "/v1/posts", headers: with(ana),
			body:   `{"text":"hello","text":"something else"}`,
			status: 400, shows: []string{`"error"`}},
		{title: "refused: the policy does not name the method OPTIONS for this path",
			method: "OPTIONS", url: base + "/v1/reports", status: 403, shows: []string{`"error"`}},
		{title: "refused: no token",
			url: base + "/v1/profiles/ben", status: 401, shows: []string{"Bearer"}},
		{title: "refused: the token has no signature (alg none)",
			url: base + "/v1/profiles/ben", headers: with([2]string{"Authorization", "Bearer " + unsigned}),
			status: 401, shows: []string{"Bearer"}},
		{title: "refused: the policy denies this route",
			url: base + "/v1/internal/metrics", headers: with(mia),
			status: 403, shows: []string{"not from outside"}},
		{title: "refused: the policy does not name this path",
			url: base + "/v2/profiles/ben", headers: with(ana),
			status: 403, shows: []string{`"error"`}},
	}, nil
}

// line returns the try as a shell command.
func (t try) line() string {
	words := []string{"curl", "-si"}
	if t.method != "" {
		words = append(words, "-X", t.method)
	}
	for _, h := range t.headers {
		words = append(words, "-H", quote(h[0]+": "+h[1]))
	}
	if t.body != "" {
		words = append(words, "-H", quote("Content-Type: application/json"), "-d", quote(t.body))
	}
	return strings.Join(append(words, quote(t.url)), " ")
}

// expected describes the answer to expect.
func (t try) expected() string {
	text := fmt.Sprintf("%d %s", t.status, http.StatusText(t.status))
	if len(t.shows) > 0 {
		text += "; the answer contains `" + strings.Join(t.shows, "` and `") + "`"
	}
	if len(t.hides) > 0 {
		text += "; it does not contain `" + strings.Join(t.hides, "` or `") + "`"
	}
	return text
}

// quote returns the text as one word of the shell.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func printAll(w io.Writer, s *setup, tries []try) {
	fmt.Fprintf(w, "\nThe gateway listens on %s. Paste these commands into another terminal, one at a time:\n", url(s.at.gateway))
	for _, t := range tries {
		fmt.Fprintf(w, "\n# %s\n# expect %s\n%s\n", t.title, t.expected(), t.line())
	}
	fmt.Fprintf(w, "\nAn answer with status 200 shows the request as the upstream received it.\nThe log below gives the reason of each refusal.\n")
	if s.envoy != "" {
		fmt.Fprintf(w, "Envoy's configuration is %s. Its admin page is %s.\n", s.state+"/envoy.yaml", url(s.at.admin))
	}
	fmt.Fprintf(w, "Ctrl-C ends everything. To try a change, edit %s and start again.\nready\n", s.policy)
}
