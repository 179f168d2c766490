package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
)

// keySet returns a policy's keys, after fetching the JWK sets of its URLs.
func keySet(ctx context.Context, p *policy.Policy) (*token.Set, error) {
	set := p.Tokens
	for i := range p.JWKS {
		with, err := withKeys(ctx, p, set, i)
		if err != nil {
			return nil, err
		}
		set = with
	}
	return set, nil
}

// withKeys returns a set with the keys of one of the policy's URLs, which it fetches.
func withKeys(ctx context.Context, p *policy.Policy, set *token.Set, i int) (*token.Set, error) {
	s := p.JWKS[i]
	text, err := fetchKeys(ctx, s.URL)
	if err == nil && s.Issuer != "" {
		var address string
		if address, err = s.KeysURL(text); err == nil {
			text, err = fetchKeys(ctx, address)
		}
	}
	if err == nil {
		set, _, _, err = set.WithKeys(i, text)
	}
	if err != nil {
		return nil, fmt.Errorf("jwks: %s: %w", s.URL, err)
	}
	return set, nil
}

// issuers fetches JWK sets. Like the module, it follows no redirects.
var issuers = http.Client{
	Timeout:       jwks.Timeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func fetchKeys(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	for _, h := range jwks.RequestHeaders {
		req.Header.Set(h[0], h[1])
	}
	resp, err := issuers.Do(req)
	if err != nil {
		return "", errors.Unwrap(err) // without the URL, which the caller adds
	}
	defer resp.Body.Close()
	reply := jwks.Reply{Status: strconv.Itoa(resp.StatusCode)}
	for name, values := range resp.Header {
		for _, v := range values {
			reply.Header(strings.ToLower(name), v)
		}
	}
	if err := reply.Check(); err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, token.MaxJWKS+1))
	return string(body), err
}
