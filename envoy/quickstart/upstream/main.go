// Command upstream is the application behind the quickstart's gateway. It answers
// every request with a description of that request in JSON. On a second address it is
// the webhook that the policy asks about a sign-up.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("upstream", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:10002", "address of the application")
	hook := flags.String("hook", "127.0.0.1:10003", "address of the webhook")
	var files tlsFiles
	flags.StringVar(&files.cert, "cert", "", "certificate of the application; without it, it speaks plain HTTP")
	flags.StringVar(&files.key, "key", "", "key of -cert")
	flags.StringVar(&files.ca, "ca", "", "certificates that a client's certificate must be signed by; without one a client is turned away")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	secure, err := files.config()
	if err != nil {
		fmt.Fprintln(stderr, "upstream:", err)
		return 1
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, stdout, []site{
		{*listen, http.HandlerFunc(echo), secure},
		{*hook, http.HandlerFunc(welcome), nil},
	}); err != nil {
		fmt.Fprintln(stderr, "upstream:", err)
		return 1
	}
	return 0
}

// site is a handler and its address; tls is nil for plain HTTP.
type site struct {
	address string
	handler http.Handler
	tls     *tls.Config
}

// serve serves all sites until ctx ends or one of them fails.
func serve(ctx context.Context, stdout io.Writer, sites []site) error {
	ended := make(chan error, len(sites))
	for _, s := range sites {
		listener, err := net.Listen("tcp", s.address)
		if err != nil {
			return err
		}
		if s.tls != nil {
			listener = tls.NewListener(listener, s.tls)
		}
		server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
		defer server.Close()
		go func() { ended <- server.Serve(listener) }()
	}
	fmt.Fprintln(stdout, "ready")
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

// seen is a request as it arrived. A repeated header is a list.
type seen struct {
	Method  string         `json:"method"`
	Path    string         `json:"path"`
	Query   string         `json:"query,omitempty"`
	Headers map[string]any `json:"headers"`
	Peer    string         `json:"peer,omitempty"` // the URIs of the client's certificate
	Body    any            `json:"body,omitempty"`
}

// bodyLimit is the largest body that is shown, in bytes.
const bodyLimit = 1 << 20

func echo(w http.ResponseWriter, r *http.Request) {
	got := seen{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Headers: map[string]any{}}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		got.Peer = fmt.Sprint(r.TLS.PeerCertificates[0].URIs)
	}
	for name, values := range r.Header {
		if len(values) == 1 {
			got.Headers[strings.ToLower(name)] = values[0]
		} else {
			got.Headers[strings.ToLower(name)] = values
		}
	}
	body, err := readBody(w, r)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	got.Body = body
	answer(w, http.StatusOK, got)
}

// readBody returns the body's JSON value, or its text if it is not JSON, or nil if it
// is empty.
func readBody(w http.ResponseWriter, r *http.Request) (any, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	switch {
	case err != nil:
		return nil, err
	case len(text) == 0:
		return nil, nil
	case json.Valid(text):
		return json.RawMessage(text), nil
	}
	return string(text), nil
}

// welcome is the webhook. The policy sends it the e-mail address, and it decides by
// the domain who may sign up. It refuses a request that it does not understand.
func welcome(w http.ResponseWriter, r *http.Request) {
	var call struct {
		Email string `json:"email"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyLimit)).Decode(&call)
	switch {
	case r.Method != http.MethodPost:
		answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "want POST"})
	case err != nil:
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	case !welcomed(call.Email):
		answer(w, http.StatusForbidden, map[string]string{"error": "not from there"})
	default:
		answer(w, http.StatusOK, map[string]string{"team": "newcomers"})
	}
}

func welcomed(email string) bool {
	name, domain, ok := strings.Cut(email, "@")
	return ok && name != "" && domain != "" && domain != "spam.example"
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil { // for example a header that is not valid text
		http.Error(w, errors.Join(errors.New("the request cannot be shown"), err).Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	w.Write(append(text, '\n'))
}
