package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// setup describes one run of the quickstart.
type setup struct {
	options
	at  ports
	env []string // the environment of every part, with the variables that the policy names
}

func newSetup(o options, at ports) (*setup, error) {
	s := &setup{options: o, at: at}
	for _, path := range []string{s.rulegate(), s.module(), s.bin("quickstart/seed"), s.bin("quickstart/upstream")} {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w\nrun make build quickstart", err)
		}
	}
	if err := os.MkdirAll(s.state, 0o700); err != nil {
		return nil, err
	}
	secret, err := keptSecret(filepath.Join(s.state, "jwt-secret"))
	if err != nil {
		return nil, err
	}
	s.env = append(os.Environ(),
		"JWT_SECRET="+secret,
		"SOCIAL_DB="+s.database(),
		"WELCOME_URL="+url(at.hook)+"/welcome",
	)
	return s, nil
}

func (s *setup) bin(name string) string { return filepath.Join(s.root, "bin", name) }
func (s *setup) rulegate() string       { return s.bin("rulegate") }
func (s *setup) module() string         { return s.bin("rulegate.wasm") }
func (s *setup) database() string       { return filepath.Join(s.state, "social.db") }

// keptSecret returns the secret in a file. It creates the file if it is missing, so
// that tokens printed before a restart stay valid.
func keptSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(text)) > 0 {
		return string(bytes.TrimSpace(text)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	fresh := hex.EncodeToString(secret)
	return fresh, os.WriteFile(path, []byte(fresh+"\n"), 0o600)
}

// start starts the parts one after another, each when the previous one answers.
func (s *setup) start(ctx context.Context, g *group) error {
	if _, err := s.output(ctx, s.rulegate(), "check", s.policy); err != nil {
		return err
	}
	if _, err := s.output(ctx, s.bin("quickstart/seed"), s.database(), filepath.Join(s.root, "envoy/quickstart/seed.sql")); err != nil {
		return err
	}
	upstream := g.part("upstream", s.bin("quickstart/upstream"), "-listen", address(s.at.upstream), "-hook", address(s.at.hook))
	if err := upstream.start(ctx, listens(s.at.upstream)); err != nil {
		return err
	}
	if s.envoy == "" {
		gateway := g.part("gateway", s.rulegate(), "run", s.policy, "--module", s.module(),
			"--listen", address(s.at.gateway), "--upstream", url(s.at.upstream))
		// A preflight, because the policy allows it: a refusal would be in the log.
		return gateway.start(ctx, answers(http.MethodOptions, url(s.at.gateway)+"/v1/posts", 0))
	}

	companion := g.part("companion", s.rulegate(), "serve", s.policy, "--listen", address(s.at.companion))
	if err := companion.start(ctx, listens(s.at.companion)); err != nil {
		return err
	}
	config := filepath.Join(s.state, "envoy.yaml")
	text, err := s.output(ctx, s.rulegate(), "envoy", s.policy, "--module", s.module(),
		"--listen", address(s.at.gateway), "--admin", address(s.at.admin),
		"--upstream", url(s.at.upstream), "--companion", url(s.at.companion))
	if err != nil {
		return err
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		return err
	}
	g.log.write("envoy", []byte("starting; it compiles the module first, which takes some seconds"))
	// Hot restart would need a different id for each quickstart that runs at the
	// same time.
	envoy := g.part("envoy", s.envoy, "--config-path", config, "--disable-hot-restart",
		"--log-level", "warning", "--component-log-level", "wasm:info")
	return envoy.start(ctx, answers(http.MethodGet, url(s.at.admin)+"/ready", http.StatusOK))
}

// output runs a command and returns its standard output. The error has its standard
// error.
func (s *setup) output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = s.env
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		text := strings.TrimSpace(said.String() + out.String())
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), args[0], err, text)
	}
	return out.Bytes(), nil
}

// mint returns a token with the claims, valid for a day.
func (s *setup) mint(ctx context.Context, claims string) (string, error) {
	out, err := s.output(ctx, s.rulegate(), "token", "mint", "--policy", s.policy, "--claims", claims, "--ttl", "24h")
	return strings.TrimSpace(string(out)), err
}

// listens returns a check that a program accepts connections on the port.
func listens(port int) func(context.Context) bool {
	return func(ctx context.Context) bool {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address(port))
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}
}

// answers returns a check that a request is answered with the status, or with any
// status if it is 0.
func answers(method, target string, status int) func(context.Context) bool {
	client := &http.Client{Timeout: 2 * time.Second}
	return func(ctx context.Context) bool {
		r, err := http.NewRequestWithContext(ctx, method, target, nil)
		if err != nil {
			return false
		}
		answer, err := client.Do(r)
		if err != nil {
			return false
		}
		answer.Body.Close()
		return status == 0 || answer.StatusCode == status
	}
}
