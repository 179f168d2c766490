package companion

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/propagation"
)

// webhooks posts to the hosts that may be called.
type webhooks struct {
	allowed   map[string]*lane // by host or host:port, lower case
	transport *http.Transport
	limits    Limits
}

func newWebhooks(cfg Config, l Limits, log *slog.Logger) (*webhooks, error) {
	w := &webhooks{allowed: map[string]*lane{}, limits: l}
	var faults []error
	for i, h := range cfg.Webhooks {
		name, err := hostEntry(h)
		if err != nil {
			faults = append(faults, fmt.Errorf("webhooks[%d]: %w", i, err))
		}
		w.allowed[name] = newLane(name, cfg.WebhookPool, l, log)
	}
	secured, err := cfg.WebhookTLS.config()
	if err != nil {
		faults = append(faults, err)
	}
	w.transport = &http.Transport{
		TLSClientConfig: secured,
		// No Proxy: the environment does not decide where a user's token goes.
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // the limit counts what comes over the wire
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    or(cfg.WebhookPool.Size, l.Concurrency),
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return w, errors.Join(faults...)
}

// hostEntry reads `host` or `host:port` of the configuration.
func hostEntry(s string) (string, error) {
	u, err := url.Parse("//" + s)
	if err != nil || s == "" || u.Host != s || u.Hostname() == "" || strings.HasSuffix(s, ":") || strings.ContainsAny(s, "*?#") {
		return "", fmt.Errorf("want host or host:port, found %q", s)
	}
	return hostKey(u.Hostname(), u.Port()), nil
}

// hostKey is a host, and a port if there is one, as the map of allowed ones has it.
func hostKey(host, port string) string {
	host = strings.ToLower(host)
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// sent are the headers that a call may set.
var sent = map[string]bool{"Content-Type": true, "Authorization": true, "X-SC-Token": true}

// prepare checks a call and gives what posts it, and the lane to do it in.
// Redirects are answers like any other; a body that is longer than the limit or
// not UTF-8 is an error.
func (w *webhooks) prepare(x *call) (*lane, func(context.Context) (answer, error), error) {
	u, err := url.Parse(x.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, nil, faultf(badCall, "url: want http or https, a host and no user")
	}
	l := w.lane(u)
	if l == nil {
		return nil, nil, faultf(notConfigured, "host %q may not be called", u.Host)
	}
	for name := range x.headers {
		if !sent[name] {
			return nil, nil, faultf(badCall, "header %q is not one that a webhook gets", name)
		}
	}
	return l, func(ctx context.Context) (answer, error) { return w.post(ctx, u, x) }, nil
}

// lane is that of the host with its port, else of the host; nil: not allowed.
func (w *webhooks) lane(u *url.URL) *lane {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if l, ok := w.allowed[hostKey(u.Hostname(), port)]; ok {
		return l
	}
	return w.allowed[hostKey(u.Hostname(), "")]
}

func (w *webhooks) post(ctx context.Context, u *url.URL, x *call) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(x.body.String()))
	if err != nil {
		return answer{}, err
	}
	for name, value := range x.headers {
		req.Header[name] = []string{value} // X-SC-Token as Space Cloud spells it
	}
	traceContext.Inject(ctx, propagation.HeaderCarrier(req.Header))
	// RoundTrip and no Client: it follows no redirect and keeps no cookie.
	res, err := w.transport.RoundTrip(req)
	if err != nil {
		return answer{}, webhookFault(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols { // the body is the bare connection then, without an end
		return answer{}, faultf(webhookError, "it switches protocols, which nobody asked for")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(w.limits.Bytes)+1))
	switch {
	case err != nil:
		return answer{}, webhookFault(err)
	case len(body) > w.limits.Bytes:
		return answer{}, faultf(tooLarge, "a body of more than %d bytes", w.limits.Bytes)
	case !utf8.Valid(body):
		return answer{}, faultf(webhookError, "a body that is not UTF-8")
	}
	return answer{status: res.StatusCode, body: string(body)}, nil
}

func webhookFault(err error) error {
	var dialing *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, errAddress):
		return &fault{phrase: notConfigured, err: err}
	case errors.As(err, &dialing) && dialing.Timeout():
		return &fault{phrase: timedOut, err: err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &fault{phrase: refused, err: err}
	}
	return err
}
