package companion

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/host/companion/webhook"
	"github.com/rulegate/rulegate/rules/value"
)

// addIssuers prepares the client that asks issuers. Only the hosts of their URLs can be
// reached by it.
func (c *Companion) addIssuers(cfg Config) (err error) {
	conf := c.webhookConfig(cfg)
	conf.Hosts, conf.Label, conf.Keys = nil, "issuer ", nil
	c.secrets = map[Issuer]string{}
	for i, s := range cfg.Issuers {
		u, err := url.Parse(s.URL)
		if err != nil || u.Host == "" || s.ClientID == "" || s.Secret == "" {
			return fmt.Errorf("issuers[%d]: want the URL of a host, and a client with a secret", i)
		}
		conf.Hosts = append(conf.Hosts, u.Host)
		c.secrets[Issuer{URL: s.URL, ClientID: s.ClientID}] = s.Secret
	}
	c.issuers, err = webhook.New(conf)
	return err
}

// introspect asks an issuer about a token. Questions about one token that come at a time
// are one question. Answers are not kept: the module keeps them.
func (c *Companion) introspect(ctx context.Context, x *call) (target.Answer, error) {
	secret, ok := c.secrets[Issuer{URL: x.url, ClientID: x.clientID}]
	if !ok {
		return target.Answer{}, failure.Errorf(failure.NotConfigured, "no entry of auth.tokens asks %s", x.target())
	}
	pool, err := c.issuers.Pool(x.url)
	if err != nil {
		return target.Answer{}, err
	}
	form := url.Values{"token": {x.token}, "token_type_hint": {"access_token"}}
	fields := [][2]string{
		{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}, {"Authorization", basic(x.clientID, secret)},
	}
	x.pool = pool.Name()
	deadline, _ := ctx.Deadline()
	return c.shared(ctx, x, x.issuerKey(), func(ctx context.Context) (target.Answer, error) {
		a, err := pool.Do(ctx, deadline, func(ctx context.Context) (target.Answer, error) {
			return c.issuers.Post(ctx, x.url, fields, form.Encode())
		})
		if err == nil && a.Status != http.StatusOK {
			// Also a 401: then the issuer does not know the client, or another secret
			// of it.
			return target.Answer{}, failure.Errorf(failure.Issuer, "the issuer answered %d", a.Status)
		}
		return a, err
	})
}

// issuerKey is equal for questions that may share an answer. It has the token's hash: it
// stays in memory while the call runs.
func (x *call) issuerKey() string {
	sum := sha256.Sum256([]byte(x.token))
	return value.Arr(value.Str(x.kind.String()), value.Str(x.url), value.Str(x.clientID), value.Str(base64.StdEncoding.EncodeToString(sum[:]))).String()
}

// basic authenticates a client (RFC 6749, section 2.3.1): both parts are encoded as in a
// form first.
func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

var errNoToken = errors.New("want url, clientId and token")

func (c *call) setIntrospect(key string, v value.Value) error {
	switch key {
	case "url":
		return setText(&c.url, v)
	case "clientId":
		return setText(&c.clientID, v)
	case "token":
		return setText(&c.token, v)
	}
	return errUnknownKey
}
