package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os/exec"
	"strings"
	"time"
)

// checkAll runs every try and prints whether the answer was the expected one. It
// runs the printed command if bash and curl are installed; otherwise it sends the
// same request itself.
func checkAll(ctx context.Context, g *group, tries []try, w io.Writer) error {
	send, how := sendLine, "by the printed commands"
	if !found("bash") || !found("curl") {
		send, how = sendRequest, "by requests from Go, because bash or curl is missing"
	}
	failed := 0
	for _, t := range tries {
		answer, err := send(ctx, t)
		if err == nil {
			err = t.compare(answer)
		}
		if err != nil {
			failed++
			fmt.Fprintf(w, "FAIL %s\n     %s\n     want %s\n     %v\n", t.title, t.line(), t.expected(), err)
			continue
		}
		fmt.Fprintf(w, "ok   %s -> %d\n", t.title, t.status)
	}
	select {
	case p := <-g.ended:
		return p.failure()
	default:
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d %w", failed, len(tries), errUnexpected)
	}
	fmt.Fprintf(w, "quickstart: %d answers as expected (%s)\n", len(tries), how)
	return nil
}

var errUnexpected = errors.New("commands got another answer than the expected one")

func found(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// compare checks an answer, which starts with its status line and headers.
func (t try) compare(answer string) error {
	var problems []error
	status, _, _ := strings.Cut(answer, "\n")
	if fields := strings.Fields(status); len(fields) < 2 || fields[1] != fmt.Sprint(t.status) {
		problems = append(problems, fmt.Errorf("status: want %d, found %q", t.status, strings.TrimSpace(status)))
	}
	for _, text := range t.shows {
		if !strings.Contains(answer, text) {
			problems = append(problems, fmt.Errorf("want %s in the answer", text))
		}
	}
	for _, text := range t.hides {
		if strings.Contains(answer, text) {
			problems = append(problems, fmt.Errorf("want no %s in the answer", text))
		}
	}
	if problems != nil {
		problems = append(problems, fmt.Errorf("found:\n%s", answer))
	}
	return errors.Join(problems...)
}

// answerWithin limits the time for one answer.
const answerWithin = 20 * time.Second

func sendLine(ctx context.Context, t try) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	out, err := exec.CommandContext(ctx, "bash", "-c", t.line()).CombinedOutput()
	return string(out), err
}

func sendRequest(ctx context.Context, t try) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	method := t.method
	switch {
	case method != "":
	case t.body != "":
		method = http.MethodPost
	default:
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, t.url, strings.NewReader(t.body))
	if err != nil {
		return "", err
	}
	for _, h := range t.headers {
		r.Header.Add(h[0], h[1])
	}
	if t.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := httputil.DumpResponse(answer, true)
	return string(text), err
}
