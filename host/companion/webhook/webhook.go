// Package webhook posts to the hosts that the configuration allows.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
	"go.opentelemetry.io/otel/propagation"
)

// Config is the part of the companion's configuration that webhooks need.
type Config struct {
	Hosts    []string // `host` allows every port, `host:port` that one
	TLS      TLS
	Size     int        // calls to each host that run at once
	Queue    int        // calls that wait for each host
	Keys     *token.Set // whose primary signs the calls' tokens; nil: no call can be made
	MaxBytes int        // of a response body
	Label    string     // before the host in the names of pools
	Log      *slog.Logger
}

// Client posts to the allowed hosts.
type Client struct {
	pools     map[string]*target.Pool // by host or host:port, lower case
	transport *http.Transport
	maxBytes  int
	keys      *token.Set
}

// Call is one POST.
type Call struct {
	URL     string
	Gateway string      // the id in the service token
	Token   string      // of the user, for Authorization; "": none
	Claims  value.Value // an object, signed for Authorization; Missing: Token is sent
	Headers [][2]string // the rule's own
	Body    string
}

// New returns a client, or all faults of the configuration.
func New(cfg Config) (*Client, error) {
	c := &Client{pools: map[string]*target.Pool{}, maxBytes: cfg.MaxBytes, keys: cfg.Keys}
	var faults []error
	for i, h := range cfg.Hosts {
		name, err := hostEntry(h)
		if err != nil {
			faults = append(faults, fmt.Errorf("webhooks[%d]: %w", i, err))
		}
		c.pools[name] = target.NewPool(cfg.Label+name, cfg.Size, cfg.Queue, cfg.Log)
	}
	tls, err := cfg.TLS.config()
	if err != nil {
		faults = append(faults, err)
	}
	c.transport = &http.Transport{
		TLSClientConfig: tls,
		// No Proxy: the environment must not decide where a user's token goes.
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // MaxBytes limits the bytes on the wire
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    cfg.Size,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return c, errors.Join(faults...)
}

// Close closes the idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Pools returns the pools of all allowed hosts.
func (c *Client) Pools() (list []*target.Pool) {
	for _, p := range c.pools {
		list = append(list, p)
	}
	return list
}

// hostEntry reads `host` or `host:port` of the configuration.
func hostEntry(s string) (string, error) {
	u, err := url.Parse("//" + s)
	if err != nil || s == "" || u.Host != s || u.Hostname() == "" || strings.HasSuffix(s, ":") || strings.ContainsAny(s, "*?#") {
		return "", fmt.Errorf("want host or host:port, found %q", s)
	}
	return hostKey(u.Hostname(), u.Port()), nil
}

// hostKey returns the key in Client.pools of a host with or without a port.
func hostKey(host, port string) string {
	host = strings.ToLower(host)
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// Prepare checks a call. It returns the pool of its host and the function that
// posts it. Redirects are answers like any other; a body that is not UTF-8 or
// longer than the limit is an error.
func (c *Client) Prepare(call Call) (*target.Pool, func(context.Context) (target.Answer, error), error) {
	pool, err := c.Pool(call.URL)
	if err != nil {
		return nil, nil, err
	}
	if !c.keys.CanSign() {
		return nil, nil, failure.Errorf(failure.NotConfigured, "no key of auth.tokens is primary, so webhooks cannot get a service token")
	}
	for _, h := range call.Headers {
		if !httpfield.IsToken(h[0]) || httpfield.Protected(h[0]) || slices.Contains(rules.WebhookHeaders, httpfield.Fold(h[0])) {
			return nil, nil, failure.Errorf(failure.BadCall, "a rule may not set the header %q of a webhook", h[0])
		}
	}
	return pool, func(ctx context.Context) (target.Answer, error) {
		fields, err := call.Fields(c.keys, time.Now())
		if err != nil {
			return target.Answer{}, failure.New(failure.BadCall, err)
		}
		return c.Post(ctx, call.URL, fields, call.Body)
	}, nil
}

// Pool returns the pool of a URL's host. It fails if the host may not be called.
func (c *Client) Pool(address string) (*target.Pool, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, failure.Errorf(failure.BadCall, "url: want http or https, a host and no user")
	}
	pool := c.pool(u)
	if pool == nil {
		return nil, failure.Errorf(failure.NotConfigured, "host %q may not be called", u.Host)
	}
	return pool, nil
}

// pool returns the pool of the host with its port, else of the host, nil for a host
// that is not allowed.
func (c *Client) pool(u *url.URL) *target.Pool {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if p, ok := c.pools[hostKey(u.Hostname(), port)]; ok {
		return p
	}
	return c.pools[hostKey(u.Hostname(), "")]
}

// traceContext writes the W3C Trace Context headers.
var traceContext propagation.TraceContext

// Post posts to a URL, whose host has a Pool. The fields are sent as they are written.
func (c *Client) Post(ctx context.Context, address string, fields [][2]string, body string) (target.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return target.Answer{}, err
	}
	for _, h := range fields {
		req.Header[h[0]] = []string{h[1]} // not Set, which would respell X-SC-Token
	}
	traceContext.Inject(ctx, propagation.HeaderCarrier(req.Header))
	// RoundTrip, because an http.Client would follow redirects and keep cookies.
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return target.Answer{}, failureOf(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		// The body would be the raw connection, which has no end.
		return target.Answer{}, errors.New("the host switches protocols without being asked")
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, int64(c.maxBytes)+1))
	switch {
	case err != nil:
		return target.Answer{}, failureOf(err)
	case len(answer) > c.maxBytes:
		return target.Answer{}, failure.Errorf(failure.TooLarge, "a body of more than %d bytes", c.maxBytes)
	case !utf8.Valid(answer):
		return target.Answer{}, errors.New("a body that is not UTF-8")
	}
	return target.Answer{Status: res.StatusCode, Body: string(answer)}, nil
}

func failureOf(err error) error {
	var dialing *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, errAddress):
		return failure.New(failure.NotConfigured, err)
	case errors.As(err, &dialing) && dialing.Timeout():
		return failure.New(failure.TimedOut, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure.New(failure.Refused, err)
	}
	return err
}
