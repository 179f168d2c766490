package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// try is one line to paste, and the answer that it promises.
type try struct {
	title   string
	method  string // "": GET, or POST with a body
	url     string
	headers [][2]string
	body    string // JSON, or ""

	status int
	shows  []string // texts that are in the answer
	hides  []string // texts that are not
}

// What an unsigned token would have to get past.
const unsigned = "eyJhbGciOiJub25lIn0.eyJpZCI6ImFuYSIsInJvbGUiOiJhZG1pbiJ9."

// tries lists what to try, with fresh tokens. Each refusal has a twin above
// it that is let through.
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
		{title: "allowed: a browser asks whether it may post, without a token",
			method: "OPTIONS", url: base + "/v1/posts",
			status: 200, shows: []string{`"method": "OPTIONS"`}},

		{title: "rewritten: Ana posts as Cleo; the upstream is told the author from the token",
			url: base + "/v1/posts", headers: with(ana, [2]string{"x-user-id", "cleo"}),
			body:   `{"text":"hello","author":"cleo"}`,
			status: 200, shows: []string{`"author": "ana"`, `"x-user-id": "ana"`}, hides: []string{"cleo"}},
		{title: "rewritten: signing up; the upstream gets the password's hash, a role and the webhook's team",
			url:    base + "/v1/sign-up",
			body:   `{"email":"dan@mail.example","password":"abc","role":"admin"}`,
			status: 200, shows: []string{`"password": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="`, `"role": "member"`, `"team": "newcomers"`},
			hides: []string{`"abc"`, "admin"}},

		{title: "refused: Ana does not follow Cleo",
			url: base + "/v1/profiles/cleo", headers: with(ana),
			status: 403, shows: []string{"this profile is private"}},
		{title: "refused: Ana is no moderator",
			url: base + "/v1/reports", headers: with(ana),
			status: 403, shows: []string{"for moderators only"}},
		{title: "refused: the webhook says no to this e-mail address",
			url:    base + "/v1/sign-up",
			body:   `{"email":"dan@spam.example","password":"abc"}`,
			status: 403, shows: []string{"you cannot join with these data"}},
		{title: "refused: a body that two parsers could read in two ways",
			url: base + "/v1/posts", headers: with(ana),
			body:   `{"text":"hello","text":"something else"}`,
			status: 400, shows: []string{`"error"`}},
		{title: "refused: a method that the policy does not name for this path",
			method: "OPTIONS", url: base + "/v1/reports", status: 403, shows: []string{`"error"`}},
		{title: "refused: no token",
			url: base + "/v1/profiles/ben", status: 401, shows: []string{"Bearer"}},
		{title: "refused: a token that nobody signed",
			url: base + "/v1/profiles/ben", headers: with([2]string{"Authorization", "Bearer " + unsigned}),
			status: 401, shows: []string{"Bearer"}},
		{title: "refused: a denied route",
			url: base + "/v1/internal/metrics", headers: with(mia),
			status: 403, shows: []string{"not from outside"}},
		{title: "refused: a path that the policy does not name",
			url: base + "/v2/profiles/ben", headers: with(ana),
			status: 403, shows: []string{`"error"`}},
	}, nil
}

// line is the shell's command for the try.
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

// promise says what the answer is.
func (t try) promise() string {
	text := fmt.Sprintf("%d %s", t.status, http.StatusText(t.status))
	if len(t.shows) > 0 {
		text += ", with: " + strings.Join(t.shows, ", ")
	}
	if len(t.hides) > 0 {
		text += "; without: " + strings.Join(t.hides, ", ")
	}
	return text
}

// quote makes a text one word of the shell's.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func printAll(w io.Writer, s *setup, tries []try) {
	fmt.Fprintf(w, "\nThe gateway listens on %s. Lines to paste, and the answer of each:\n", url(s.at.gateway))
	for _, t := range tries {
		fmt.Fprintf(w, "\n# %s\n# -> %s\n%s\n", t.title, t.promise(), t.line())
	}
	fmt.Fprintf(w, "\nAn answer is what reached the upstream, or a refusal, whose reason is in the log below.\n")
	if s.envoy != "" {
		fmt.Fprintf(w, "Envoy's configuration is %s, its admin page %s.\n", s.state+"/envoy.yaml", url(s.at.admin))
	}
	fmt.Fprintf(w, "Edit %s and start again to see the change. Ctrl-C ends everything.\nready\n", s.policy)
}
