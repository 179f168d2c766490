package wire

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// defaultGateway is the id of a gateway whose policy gives it none.
const defaultGateway = "rulegate"

// Encode writes calls as the body of POST /v1/calls. The body has a nonce: the
// seal of an answer is over the signature of the body, so no answer fits the same
// calls made again.
//
// The companion signs the tokens of webhooks. gateway is the id in their service
// tokens.
//
// Encode fails if two calls have one id, or if a call is not complete.
func Encode(calls []rules.Call, gateway string) ([]byte, error) {
	return new(Nonces).Append(nil, calls, gateway)
}

// Nonces gives each body a nonce. It reads random bytes for several at a time, because
// each read is a call of the host, and gives out none twice.
type Nonces struct {
	left   []byte
	random [16 * nonceSize]byte
}

const nonceSize = 16

// end ends a body, by a nonce.
func (n *Nonces) end(e *encoder) error {
	if len(n.left) == 0 {
		if _, err := rand.Read(n.random[:]); err != nil {
			return lightfmt.Errorf("nonce: %w", err)
		}
		n.left = n.random[:]
	}
	e.raw(`,"nonce":"`)
	e.out = hex.AppendEncode(e.out, n.left[:nonceSize])
	e.raw(`"}`)
	n.left = n.left[nonceSize:]
	return nil
}

// Append appends to dst what Encode writes.
func (n *Nonces) Append(dst []byte, calls []rules.Call, gateway string) ([]byte, error) {
	if gateway == "" {
		gateway = defaultGateway
	}
	e := encoder{gateway: gateway, out: append(dst, `{"calls":[`...)}
	for i := range calls {
		c := &calls[i]
		if i > 0 {
			e.raw(",")
		}
		if c.ID == "" || indexOf(calls[:i], c.ID) >= 0 {
			return nil, lightfmt.Errorf("calls[%d]: want an id of its own, found %q", i, c.ID)
		}
		if err := e.call(c); err != nil {
			return nil, lightfmt.Errorf("calls[%d]: %w", i, err)
		}
	}
	e.raw("]")
	err := n.end(&e)
	return e.out, err
}

// indexOf returns the index of the call with an id, -1 if there is none. The calls of a
// request are few.
func indexOf(calls []rules.Call, id string) int {
	for i := range calls {
		if calls[i].ID == id {
			return i
		}
	}
	return -1
}

type encoder struct {
	gateway string
	out     []byte
}

// Key is equal for calls that ask the same, whatever their ids and the greatest ages of
// their replies. It is "" for a call that is not complete.
func Key(c *rules.Call, gateway string) string {
	if gateway == "" {
		gateway = defaultGateway
	}
	e := encoder{gateway: gateway, out: []byte{'{'}}
	if err := e.question(c); err != nil {
		return ""
	}
	return string(e.out)
}

func (e *encoder) call(c *rules.Call) error {
	e.raw("{")
	e.text("id", c.ID)
	err := e.question(c)
	if c.Cache > 0 {
		e.text("cache", c.Cache.String())
	}
	e.raw("}")
	return err
}

// question writes the members of a call that decide its answer.
func (e *encoder) question(c *rules.Call) (err error) {
	e.text("kind", c.Kind.String())
	switch c.Kind {
	case rules.Query:
		e.query(c)
	case rules.Webhook:
		err = e.webhook(c)
	case rules.Introspect:
		e.text("url", c.URL)
		e.text("clientId", c.ClientID)
		e.text("token", c.UserToken)
	default:
		err = errors.New("neither query, webhook nor introspect")
	}
	return err
}

// raw is not inlined, which would make the module larger.
//
//go:noinline
func (e *encoder) raw(text string) { e.out = append(e.out, text...) }

// name begins a member. The protocol's names need no escapes.
func (e *encoder) name(name string) {
	if e.out[len(e.out)-1] != '{' {
		e.raw(",")
	}
	e.raw(`"`)
	e.raw(name)
	e.raw(`":`)
}

func (e *encoder) text(name, text string) {
	e.name(name)
	e.out = value.AppendString(e.out, text)
}

func (e *encoder) query(c *rules.Call) {
	e.text("db", c.DB)
	e.text("col", c.Col)
	if c.Find.Kind() != value.Missing {
		e.name("find")
		e.out = c.Find.Append(e.out)
	}
	if c.Columns != nil {
		e.name("columns")
		e.raw("[")
		for i, column := range c.Columns {
			if i > 0 {
				e.raw(",")
			}
			e.out = value.AppendString(e.out, column)
		}
		e.raw("]")
	}
	if c.Limit > 0 {
		e.name("limit")
		e.out = strconv.AppendInt(e.out, int64(c.Limit), 10)
	}
}

func (e *encoder) webhook(c *rules.Call) error {
	if k := c.Body.Kind(); k == value.Missing || k == value.Pending {
		return errors.New("a webhook without a body")
	}
	e.text("url", c.URL)
	e.text("gateway", e.gateway)
	switch k := c.Claims.Kind(); {
	case k == value.Object:
		e.name("claims")
		e.out = c.Claims.Append(e.out)
	case k != value.Missing:
		return lightfmt.Errorf("claims: want an object, found %s", k)
	case c.UserToken != "":
		e.text("token", c.UserToken)
	}
	if len(c.Headers) > 0 {
		e.name("headers")
		e.raw("{")
		for i, h := range c.Headers {
			if i > 0 {
				e.raw(",")
			}
			e.out = value.AppendString(e.out, h[0])
			e.raw(":")
			e.out = value.AppendString(e.out, h[1])
		}
		e.raw("}")
	}
	e.name("body")
	e.out = c.Body.Append(e.out)
	return nil
}
