package main

import (
	"crypto/rand"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
)

const (
	// keysPeriod is how often the host calls where keys are fetched: so long may
	// a request wait on for keys that another worker has.
	keysPeriod = 100 * time.Millisecond
	// maxWaiting bounds the requests of a worker that wait for keys, maxHolding
	// those among them whose bodies come meanwhile: who sends them has shown no
	// valid token. One more is told to come again.
	maxWaiting, maxHolding = 1000, 100
)

// keys are the fetched keys of a policy, and the requests that wait for some.
type keys struct {
	plugin  *plugin
	ring    *jwks.Keyring
	waiting map[uint32]*stream // by the id of their context
	holding int                // of them, those whose bodies come
	heard   uint64             // the ring's changes that they know of
}

// newKeys is nil for a policy that has all its keys.
func newKeys(p *plugin, pol *policy.Policy) *keys {
	if len(pol.Remotes) == 0 {
		return nil
	}
	if len(pol.Shared) == 0 {
		proxywasm.LogWarn("rulegate: jwks: the policy has no secret to authenticate shared keys with, so each worker fetches its own")
	}
	return &keys{
		plugin: p, waiting: map[uint32]*stream{},
		ring: jwks.New(pol.Tokens, pol.Remotes, pol.Shared, sharedData{}, rand.Reader),
	}
}

// forGate is nil where there are no keys but the policy's.
func (k *keys) forGate() decide.Keys {
	if k == nil {
		return nil
	}
	return k
}

// Set and Missing are the gate's.
func (k *keys) Set() *token.Set { return k.ring.Set() }

func (k *keys) Missing(sources []int, kid string, since, now time.Time) jwks.Answer {
	return k.ring.Missing(sources, kid, since, now)
}

// add has a request wait; false when there are too many.
func (k *keys) add(s *stream, holds bool) bool {
	if len(k.waiting) >= maxWaiting || holds && k.holding >= maxHolding {
		return false
	}
	k.waiting[s.id] = s
	if s.holds = holds; holds {
		k.holding++
	}
	return true
}

// remove lets go of a request, if it waits.
func (k *keys) remove(s *stream) {
	if k == nil || k.waiting[s.id] != s {
		return
	}
	delete(k.waiting, s.id)
	if s.holds {
		k.holding--
	}
}

// tick is called by the host, in the context of the plugin.
func (k *keys) tick(now time.Time) {
	if k == nil {
		return
	}
	defer k.plugin.rescue() // so that whatever happens here, the watchdog has its turn
	fetches, events := k.ring.Tick(now)
	for _, e := range events {
		k.report(e)
	}
	for _, f := range fetches {
		k.fetch(f)
	}
	k.wake(now)
}

func (k *keys) fetch(f jwks.Fetch) {
	u, err := url.Parse(f.Source.URL)
	if err == nil {
		_, err = proxywasm.DispatchHttpCall(f.Source.Cluster, [][2]string{
			{":method", "GET"}, {":scheme", u.Scheme}, {":authority", u.Host}, {":path", u.RequestURI()},
			{"accept", "application/jwk-set+json, application/json"}, {"user-agent", "rulegate"},
		}, nil, nil, uint32(jwks.Timeout.Milliseconds()), func(int, int, int) {
			defer k.plugin.rescue()
			now := time.Now()
			k.report(k.ring.Done(f, readReply(), now))
			k.wake(now)
			k.plugin.enter()
		})
	}
	if err != nil {
		k.report(k.ring.Done(f, jwks.Reply{Err: "not sent to the cluster " + f.Source.Cluster + ": " + err.Error()}, time.Now()))
	}
}

// readReply reads what a fetch brought. A host answers itself where the server
// does not, with 503 or 504.
func readReply() (r jwks.Reply) {
	headers, err := proxywasm.GetHttpCallResponseHeaders()
	if err != nil || len(headers) == 0 {
		return jwks.Reply{Err: "the reply broke off"}
	}
	for _, h := range headers {
		switch h[0] {
		case ":status":
			r.Status = h[1]
		case "cache-control":
			if r.CacheControl != "" {
				r.CacheControl += ","
			}
			r.CacheControl += h[1]
		case "age":
			r.Age = h[1]
		case "content-encoding":
			r.Encoded = true
		}
	}
	body, err := proxywasm.GetHttpCallResponseBody(0, token.MaxJWKS+1)
	if err != nil {
		return jwks.Reply{Err: "no body"}
	}
	r.Body = string(body)
	return r
}

// wake tries the tokens of waiting requests again, when there is news or they
// have waited long enough.
func (k *keys) wake(now time.Time) {
	news := k.ring.Changes() != k.heard
	k.heard = k.ring.Changes()
	// Of those that waited before: one that has to wait on is put back.
	for _, s := range slices.Collect(maps.Values(k.waiting)) {
		if news || now.Sub(s.now) >= jwks.MaxWait {
			k.remove(s)
			s.keysCame(now)
		}
	}
}

func (k *keys) report(e jwks.Event) {
	k.plugin.counters.count("rulegate.jwks." + e.Result)
	if e.Text == "" {
		return
	}
	log := proxywasm.LogInfof
	if e.Bad {
		log = proxywasm.LogWarnf
	}
	log("rulegate: jwks: url=%q result=%s: %s", withoutQuery(k.plugin.policy.Remotes[e.Index].URL), e.Result, cut(e.Text))
}

// withoutQuery leaves out what may hold a key of an API.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.RawQuery = ""
	return u.String()
}

// sharedData is the memory that all VMs of one vm_id have in common.
type sharedData struct{}

func (sharedData) Get(name string) ([]byte, uint32, bool) {
	value, version, err := proxywasm.GetSharedData(name)
	return value, version, err == nil
}

func (sharedData) Put(name string, value []byte, version uint32) bool {
	return proxywasm.SetSharedData(name, value, version) == nil
}
