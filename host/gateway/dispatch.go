package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxReply bounds the body of the reply to a dispatched call, in bytes.
const maxReply = 64 << 20

// httpCall is a dispatched HTTP call in flight. It belongs to the plugin, so it
// outlives the stream that made it.
type httpCall struct {
	id     uint32
	cancel context.CancelFunc
}

// callReply is the reply that on_http_call_response reads. The zero value says
// that the peer broke off after its headers.
type callReply struct {
	headers, trailers pairs
	body              []byte
}

// hostHTTPCall sends a request to a cluster. A malformed request or an unknown
// cluster fails at once; every other failure is delivered as a reply.
func hostHTTPCall(v *vm, a []uint64) status {
	cluster, ok1 := v.text(a[0], a[1])
	rawHeaders, ok2 := v.bytes(a[2], a[3])
	body, ok3 := v.text(a[4], a[5])
	rawTrailers, ok4 := v.bytes(a[6], a[7])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return statusInvalidMemoryAccess
	}
	h, ok1 := parsePairs(rawHeaders)
	trailers, ok2 := parsePairs(rawTrailers)
	timeout := time.Duration(uint32(a[8])) * time.Millisecond
	peer, ok3 := v.gw.clusters[cluster]
	if !ok1 || !ok2 || !ok3 || int32(a[8]) < 0 {
		return statusBadArgument
	}
	r, err := newRequest(peer.Cluster, lowered(h))
	if err != nil {
		return statusBadArgument
	}
	setBody(r, []byte(body), int64(len(body)))
	if len(trailers) > 0 {
		r.ContentLength = -1
		r.Trailer = header(forwardable(lowered(trailers)))
	}
	return v.dispatch(peer.transport, r, timeout, a[9])
}

// dispatch starts a call and stores its id at an address of the module's. A
// timeout of 0 is none.
func (v *vm) dispatch(t http.RoundTripper, r *http.Request, timeout time.Duration, idPtr uint64) status {
	ctx, cancel := context.WithCancel(context.Background())
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	v.lastCall++
	c := &httpCall{id: v.lastCall, cancel: cancel}
	if st := v.writeUint32(idPtr, c.id); st != statusOK {
		cancel()
		return st
	}
	v.httpCalls[c.id] = c
	go func() {
		defer cancel()
		v.deliver(c, exchange(ctx, t, r))
	}()
	return statusOK
}

// exchange makes the call. As in Envoy, a peer that cannot be reached or is too
// slow is replaced by a reply of the proxy's own, and a peer that breaks off
// after its headers gives the zero reply.
func exchange(ctx context.Context, t http.RoundTripper, r *http.Request) *callReply {
	resp, err := t.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return proxyReply(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case ctx.Err() != nil:
		return proxyReply(ctx, ctx.Err())
	case err != nil || len(body) > maxReply:
		return &callReply{}
	}
	return &callReply{headers: responsePairs(resp), body: body, trailers: headerPairs(resp.Trailer)}
}

// proxyReply is the reply that Envoy makes itself: 504 after the timeout, else 503.
func proxyReply(ctx context.Context, err error) *callReply {
	r := unreachable(err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		r = &localReply{status: http.StatusGatewayTimeout, body: "upstream request timeout"}
	}
	return &callReply{body: []byte(r.body), headers: pairs{
		{":status", strconv.Itoa(r.status)},
		{"content-length", strconv.Itoa(len(r.body))},
		{"content-type", "text/plain"},
	}}
}

// deliver shows the module a reply. The stream that made the call may be gone;
// then the module cannot make it the effective context.
func (v *vm) deliver(c *httpCall, r *callReply) {
	if !v.lock() {
		return
	}
	defer v.unlock()
	if v.httpCalls[c.id] == nil {
		return
	}
	delete(v.httpCalls, c.id)
	v.reply = r
	_, _ = v.call(v.exp.httpCallResponse, rootID, uint64(c.id), uint64(len(r.headers)), uint64(len(r.body)), uint64(len(r.trailers)))
	v.reply = nil
}
