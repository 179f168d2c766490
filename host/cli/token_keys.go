package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
)

// keySet returns a policy's keys, after fetching the JWK sets of its URLs.
func keySet(ctx context.Context, p *policy.Policy) (*token.Set, error) {
	set := p.Tokens
	for i, s := range p.JWKS {
		text, err := fetchKeys(ctx, s.URL)
		if err == nil {
			set, _, _, err = set.WithKeys(i, text)
		}
		if err != nil {
			return nil, fmt.Errorf("jwks: %s: %w", s.URL, err)
		}
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
	req.Header.Set("accept", "application/jwk-set+json, application/json")
	resp, err := issuers.Do(req)
	if err != nil {
		return "", errors.Unwrap(err) // without the URL, which the caller adds
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("answered %d; redirects are not followed", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, token.MaxJWKS+1))
	return string(body), err
}
