package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// script is wrk's: it sends the requests and prints the result as JSON.
//
//go:embed wrk.lua
var script string

// wrk is the generator that most people use.
func wrk(ctx context.Context, dir string, l load) (sample, error) {
	file, tokens := filepath.Join(dir, "wrk.lua"), filepath.Join(dir, "wrk.tokens")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return sample{}, err
	}
	if err := os.WriteFile(tokens, []byte(strings.Join(l.request.tokens, "\n")), 0o600); err != nil {
		return sample{}, err
	}
	// A connection more than clients would be one too many, so there are not more
	// threads than clients.
	threads := min(max(l.threads, 1), l.clients)
	seconds := strconv.Itoa(max(1, int(l.turn.Round(time.Second).Seconds()))) + "s"
	args := []string{"-t", strconv.Itoa(threads), "-c", strconv.Itoa(l.clients), "-d", seconds,
		"--timeout", "10s", "-s", file}
	for name, value := range l.request.more {
		args = append(args, "-H", name+": "+value)
	}
	cmd := exec.CommandContext(ctx, "wrk", append(args, "http://"+l.address+l.request.path)...)
	cmd.Env = append(os.Environ(), "WRK_METHOD="+l.request.method, "WRK_BODY="+l.request.body, "WRK_TOKENS="+tokens)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	_, text, ok := strings.Cut(string(out), "result: ")
	var r struct {
		Requests, Refused int
		Seconds, P50, P99 float64 // the last two in microseconds
	}
	if err := json.Unmarshal([]byte(text), &r); !ok || err != nil {
		return sample{}, fmt.Errorf("wrk: no result in %s", out)
	}
	return sample{
		Requests: r.Requests, Refused: r.Refused, Rate: float64(r.Requests) / r.Seconds,
		P50: time.Duration(r.P50 * 1000), P99: time.Duration(r.P99 * 1000),
	}, nil
}
