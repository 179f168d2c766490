package harness

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rulegate/rulegate/host/companion/webhook"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// Reply is one entry of replies.json, as `rulegate eval` reads it. It answers
// every call of its kind, and of its col and url if those are set.
type Reply struct {
	Kind   string          `json:"kind"`
	Col    string          `json:"col"`
	URL    string          `json:"url"`
	Rows   json.RawMessage `json:"rows"`
	Status int             `json:"status"`
	Body   string          `json:"body"`
	Error  string          `json:"error"`
}

// Call is a call as the companion gets it, by the names of the protocol.
type Call map[string]any

func parseReplies(text string) ([]Reply, error) {
	if text == "" {
		return nil, nil
	}
	rs := []Reply{}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	return rs, dec.Decode(&rs)
}

// parseCalls reads a list of calls, or a list of batches of calls.
func parseCalls(text string) (*[][]Call, error) {
	if text == "" {
		return nil, nil
	}
	v, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	all, ok := v.([]any)
	if !ok {
		return nil, errors.New("want a list of calls, or of batches")
	}
	batches := [][]Call{}
	for _, x := range all {
		switch x := x.(type) {
		case map[string]any:
			if len(batches) == 0 {
				batches = append(batches, nil)
			}
			batches[0] = append(batches[0], x)
		case []any:
			var b []Call
			for _, c := range x {
				m, ok := c.(map[string]any)
				if !ok {
					return nil, errors.New("want calls in a batch")
				}
				b = append(b, m)
			}
			batches = append(batches, b)
		}
	}
	return &batches, nil
}

// Companion takes the companion's place: it checks the module's signature, records
// the calls, and answers with the case's replies or passes the request to a real
// companion.
type Companion struct {
	project string
	Keys    wire.Keys
	tokens  *token.Set   // signs the tokens of webhooks
	real    http.Handler // answers if the case has a seed.sql; else nil
	issuers http.Handler // answers calls about opaque tokens; nil: the policy has no issuers

	mu      sync.Mutex
	replies []Reply
	batches [][]Call
	faults  []string
}

// Expect sets the replies for the next request and forgets the calls so far.
func (c *Companion) Expect(replies []Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replies, c.batches, c.faults = replies, nil, nil
}

// Asked returns the batches since Expect, and the requests that were wrong.
func (c *Companion) Asked() (batches [][]Call, faults []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.batches, c.faults
}

func (c *Companion) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = c.note(r, body)
	}
	if err != nil {
		c.mu.Lock()
		c.faults = append(c.faults, "companion: "+err.Error())
		c.mu.Unlock()
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	real := c.real
	if c.issuers != nil && asksIssuers(body) {
		real = c.issuers
	}
	if real != nil {
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		real.ServeHTTP(w, r)
		return
	}
	answer := c.answer(body)
	w.Header().Set("content-type", "application/json")
	w.Header().Set(wire.SealHeader, c.Keys.Seal(r.Header.Get("authorization"), answer))
	w.Write(answer)
}

// note checks that the request is the module's and records its calls.
func (c *Companion) note(r *http.Request, body []byte) error {
	if r.Method != http.MethodPost || r.URL.Path != wire.Path {
		return fmt.Errorf("want POST %s, found %s %s", wire.Path, r.Method, r.URL.Path)
	}
	if err := c.Keys.Check(c.project, r.Header.Get("authorization"), body, time.Now()); err != nil {
		return err
	}
	calls, err := readCalls(body)
	if err != nil {
		return err
	}
	for _, call := range calls {
		if err := c.addHeaders(call); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.batches = append(c.batches, calls)
	c.mu.Unlock()
	return nil
}

// addHeaders gives a call of a webhook the headers that the real companion sends.
func (c *Companion) addHeaders(call Call) error {
	if call["kind"] != rules.Webhook.String() {
		return nil
	}
	var hook webhook.Call
	hook.URL, _ = call["url"].(string)
	hook.Gateway, _ = call["gateway"].(string)
	hook.Token, _ = call["token"].(string)
	if claims, ok := call["claims"]; ok {
		v, err := value.Parse(JSON(claims), 64)
		if err != nil {
			return err
		}
		hook.Claims = v
	}
	fields, err := hook.Fields(c.tokens, time.Now())
	if err != nil {
		return err
	}
	headers, _ := call["headers"].(map[string]any)
	all := map[string]any{}
	maps.Copy(all, headers)
	for _, f := range fields {
		all[f[0]] = f[1]
	}
	call["headers"] = all
	return nil
}

func readCalls(body []byte) ([]Call, error) {
	v, err := decodeJSON(string(body))
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	list, ok := m["calls"].([]any)
	if !ok {
		return nil, fmt.Errorf("want calls, found %s", body)
	}
	var calls []Call
	for _, x := range list {
		call, ok := x.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("want a call, found %v", x)
		}
		calls = append(calls, call)
	}
	return calls, nil
}

// answer returns the replies to one batch.
func (c *Companion) answer(body []byte) []byte {
	calls, err := readCalls(body)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	replies := []map[string]any{}
	for _, call := range calls {
		out := map[string]any{"id": call["id"]}
		r, ok := c.fitting(call)
		switch {
		case !ok:
			out["error"] = "no reply"
		case r.Error != "":
			out["error"] = r.Error
		case r.Kind == "query":
			out["rows"] = r.Rows
		default:
			out["status"], out["body"] = r.Status, r.Body
		}
		replies = append(replies, out)
	}
	return []byte(JSON(map[string]any{"replies": replies}))
}

func (c *Companion) fitting(call Call) (Reply, bool) {
	for _, r := range c.replies {
		if r.Kind == call["kind"] && (r.Col == "" || r.Col == call["col"]) && (r.URL == "" || r.URL == call["url"]) {
			return r, true
		}
	}
	return Reply{}, false
}

// tokenClaims returns the claims, without times, of a bearer token signed with
// OwnSecret, so that a case can compare them. Other headers it returns as is.
func tokenClaims(header any) any {
	bearer, _ := header.(string)
	parts := strings.Split(strings.TrimPrefix(bearer, "Bearer "), ".")
	if len(parts) != 3 {
		return header
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	mac := hmac.New(sha256.New, []byte(OwnSecret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if err != nil || base64URL(mac.Sum(nil)) != parts[2] {
		return header
	}
	v, err := decodeJSON(string(text))
	claims, ok := v.(map[string]any)
	if err != nil || !ok {
		return header
	}
	for _, t := range []string{"exp", "iat", "nbf"} {
		delete(claims, t)
	}
	return claims
}
