package main

import (
	"crypto/rand"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
)

const (
	// keysPeriod is the time between ticks if keys are fetched: so much longer
	// may a request wait for keys that another worker has.
	keysPeriod = 100 * time.Millisecond
	// maxWaiting bounds the requests of a worker that wait for keys, maxGathering
	// those among them whose bodies are gathered: their clients have shown no
	// valid token yet. A request beyond is refused with 503.
	maxWaiting, maxGathering = 1000, 100
)

// keys are the keys of a policy, with those that are fetched from URLs, and the
// requests that wait for them.
type keys struct {
	plugin     *plugin
	ring       *jwks.Keyring
	waiting    map[uint32]*stream // by the id of their context
	gathering  int                // of them, those whose bodies are gathered
	generation uint64             // of the ring, when the requests were last tried
}

func (k *keys) start(p *plugin, pol *policy.Policy, store sharedData) {
	if len(pol.JWKS) > 0 && len(pol.Shared) == 0 {
		abi.Log(abi.Warn, "rulegate: jwks: the policy has no secret to authenticate shared keys with, so each worker fetches its own")
	}
	k.plugin, k.waiting = p, map[uint32]*stream{}
	k.ring = jwks.New(pol.Tokens, pol.JWKS, pol.Shared, store, &p.vm.sets, rand.Reader)
}

// waitForKeys has a request wait, unless too many wait already.
func (s *stream) waitForKeys(gather bool) types.Action {
	k := &s.plugin.keys
	switch {
	case s.state.awaitsKeys():
		return types.ActionPause
	case len(k.waiting) >= maxWaiting || gather && k.gathering >= maxGathering:
		return s.refuse(decide.InternalError("too many requests wait for keys"))
	}
	k.waiting[s.id] = s
	if gather {
		k.gathering++
		s.setState(awaitKeysGather)
	} else {
		s.setState(awaitKeys)
	}
	return types.ActionPause
}

// remove removes a request that is about to leave its state.
func (k *keys) remove(s *stream) {
	delete(k.waiting, s.id)
	if s.state.gathersForKeys() {
		k.gathering--
	}
}

// tick is called by the host, in the context of the plugin.
func (k *keys) tick(now time.Time) {
	defer k.plugin.rescue() // so that a panic does not keep the deadlines from their tick
	fetches, events := k.ring.Tick(now)
	for _, e := range events {
		k.report(e)
	}
	for _, f := range fetches {
		k.fetch(f)
	}
	k.retry(now)
}

func (k *keys) fetch(f jwks.Fetch) {
	u, err := httpfield.ParseURL(f.URL)
	if err == nil {
		headers := append([][2]string{
			{":method", "GET"}, {":scheme", u.Scheme}, {":authority", u.Host}, {":path", u.Target()},
		}, jwks.RequestHeaders[:]...)
		err = abi.Call(k.plugin.id, f.Cluster, headers, nil, uint32(jwks.Timeout.Milliseconds()), abi.Func(func(int) {
			defer k.plugin.rescue()
			now := time.Now()
			k.done(f, readReply(), now)
			k.retry(now)
			k.plugin.enter()
		}))
	}
	if err != nil {
		k.done(f, jwks.Reply{Err: "not sent to the cluster " + f.Cluster + ": " + err.Error()}, time.Now())
	}
}

// done passes a reply on, and makes the fetch that follows it.
func (k *keys) done(f jwks.Fetch, reply jwks.Reply, now time.Time) {
	e, next := k.ring.Done(f, reply, now)
	if next != nil {
		k.fetch(*next)
		return
	}
	k.report(e)
}

// readReply reads the reply to a fetch. If the server does not answer, the host
// does, with 503 or 504.
func readReply() (r jwks.Reply) {
	headers, err := abi.Pairs(abi.CallHeaders)
	if err != nil || len(headers) == 0 {
		return jwks.Reply{Err: "the reply broke off"}
	}
	for _, h := range headers {
		r.Header(h[0], h[1])
	}
	body, err := abi.Bytes(abi.CallBody, token.MaxJWKS+1)
	if err != nil {
		return jwks.Reply{Err: "no body"}
	}
	r.Body = string(body)
	return r
}

// retry tries the tokens of waiting requests again, if there are other keys or
// the requests have waited long enough.
func (k *keys) retry(now time.Time) {
	changed := k.ring.Generation() != k.generation
	k.generation = k.ring.Generation()
	for _, s := range k.waiting {
		if changed || now.Sub(s.received) >= jwks.MaxWait {
			s.retryKeys(now)
		}
	}
}

func (s *stream) retryKeys(now time.Time) {
	defer s.guard(new(types.Action))
	if !s.enter() {
		s.setState(gone)
		return
	}
	s.resume(s.request.Keys(now))
}

func (k *keys) report(e jwks.Event) {
	k.plugin.metrics.count("jwks_fetches_total", string(e.Result), "")
	if e.Text == "" {
		return
	}
	log := abi.Infof
	if e.Bad {
		log = abi.Warnf
	}
	log("rulegate: jwks: url=%q result=%s: %s", withoutQuery(k.plugin.policy.JWKS[e.Index].URL), string(e.Result), shorten(e.Text))
}

// withoutQuery removes the query of a URL: it may hold a key of an API.
func withoutQuery(address string) string {
	u, err := httpfield.ParseURL(address)
	if err != nil {
		return ""
	}
	return u.WithoutQuery()
}

// sharedData is the jwks.Store of all VMs of one vm_id.
type sharedData struct{ prefix string }

func (d sharedData) Get(name string) ([]byte, uint32, bool) {
	value, version, err := abi.SharedData(d.prefix + name)
	return value, version, err == nil
}

func (d sharedData) Put(name string, value []byte, version uint32) bool {
	return abi.SetSharedData(d.prefix+name, value, version) == nil
}
