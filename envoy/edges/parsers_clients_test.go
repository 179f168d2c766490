package edges

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// client sends a request and returns the status and the body of the response.
type client func(t *testing.T, at string, s *roleRequest) (status int, body string)

var clients = map[string]client{
	"curl":       curl("--http1.1"),
	"curl, h2":   curl("--http2-prior-knowledge"),
	"net/http":   library(func(p *http.Protocols) { p.SetHTTP1(true) }),
	"net/http 2": library(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }),
}

func (s *roleRequest) target() string {
	if s.path == "" {
		return "/body"
	}
	return s.path
}

func (s *roleRequest) contentType() string {
	if s.kind == "" {
		return "application/json"
	}
	return s.kind
}

func curl(protocol string) client {
	return func(t *testing.T, at string, s *roleRequest) (int, string) {
		t.Helper()
		args := []string{"--silent", "--show-error", "--max-time", "20", "--path-as-is", protocol, "--write-out", "\n%{http_code} %{http_version}", "http://" + at + s.target()}
		for _, v := range s.headers {
			args = append(args, "-H", "x-role: "+v)
		}
		if s.body != "" {
			args = append(args, "-H", "content-type: "+s.contentType(), "--data-binary", "@-")
		}
		cmd := exec.Command("curl", args...)
		cmd.Stdin = strings.NewReader(s.body)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("curl: %v", err)
		}
		i := bytes.LastIndexByte(out, '\n')
		status, version := 0, ""
		fmt.Sscan(string(out[i+1:]), &status, &version)
		if want := map[string]string{"--http1.1": "1.1", "--http2-prior-knowledge": "2"}[protocol]; version != want {
			t.Errorf("curl spoke HTTP/%s, want %s", version, want)
		}
		return status, string(out[:i])
	}
}

func library(set func(*http.Protocols)) client {
	protocols := new(http.Protocols)
	set(protocols)
	c := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: harness.RequestTimeout}
	return func(t *testing.T, at string, s *roleRequest) (int, string) {
		t.Helper()
		method, body := http.MethodGet, io.Reader(nil)
		if s.body != "" {
			method, body = http.MethodPost, strings.NewReader(s.body)
		}
		req, err := http.NewRequest(method, "http://"+at+s.target(), body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header["X-Role"] = s.headers
		if s.body != "" {
			req.Header.Set("content-type", s.contentType())
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(answer)
	}
}
