package cases

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
)

// nativeKeys fetches a policy's key sets without a proxy. Its clock jumps ahead,
// so that no test waits for the next fetch.
type nativeKeys struct {
	*jwks.Keyring
	ahead time.Duration
}

func newNativeKeys(p *policy.Policy) *nativeKeys {
	return &nativeKeys{Keyring: jwks.New(p.Tokens, p.JWKS, p.Shared, nil, nil, rand.Reader)}
}

func (k *nativeKeys) now() time.Time { return time.Now().Add(k.ahead) }

// wait waits for the next fetches.
func (k *nativeKeys) wait() time.Time {
	k.tick()
	return k.now()
}

// tick moves the clock ahead and makes the fetches that are due.
func (k *nativeKeys) tick() {
	k.ahead += 100 * time.Millisecond
	fetches, _ := k.Tick(k.now())
	for _, f := range fetches {
		for next := &f; next != nil; {
			_, next = k.Done(*next, fetch(next.URL), k.now())
		}
	}
}

func fetch(url string) jwks.Reply {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return jwks.Reply{Err: err.Error()}
	}
	for _, h := range jwks.RequestHeaders {
		req.Header.Set(h[0], h[1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return jwks.Reply{Err: err.Error()}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, token.MaxJWKS+1))
	if err != nil {
		return jwks.Reply{Err: err.Error()}
	}
	reply := jwks.Reply{Status: fmt.Sprint(resp.StatusCode), Body: string(body)}
	for name, values := range resp.Header {
		for _, v := range values {
			reply.Header(strings.ToLower(name), v)
		}
	}
	return reply
}
