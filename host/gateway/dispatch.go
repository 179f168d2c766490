package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// maxReply bounds the body of a dispatched call's reply, in bytes.
const maxReply = 64 << 20

// call is a dispatched HTTP call under way. It belongs to the plugin and
// outlives the stream that made it.
type call struct {
	id     uint32
	cancel context.CancelFunc
}

// callReply is what on_http_call_response can read. All zero: the peer broke
// off in the middle.
type callReply struct {
	headers, trailers pairs
	body              []byte
}

// hostCall sends a request to a cluster. What is wrong with the request or the
// cluster's name fails here and now; everything else comes back as a reply.
func hostCall(v *vm, a []uint64) status {
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
	if !ok1 || !ok2 || int32(a[8]) < 0 {
		return statusBadArgument
	}
	peer, ok := v.gw.clusters[cluster]
	if !ok {
		return statusBadArgument
	}
	r, ok := callRequest(peer.Cluster, lowered(h), body, lowered(trailers))
	if !ok {
		return statusBadArgument
	}
	ctx, cancel := context.WithCancel(context.Background())
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	v.lastCall++
	c := &call{id: v.lastCall, cancel: cancel}
	if st := v.writeUint32(a[9], c.id); st != statusOK {
		cancel()
		return st
	}
	v.calls[c.id] = c
	go func() {
		defer cancel()
		v.answered(c, exchange(ctx, peer.transport, r))
	}()
	return statusOK
}

func callRequest(c Cluster, h pairs, body string, trailers pairs) (*http.Request, bool) {
	method, path, host := h.value(":method"), h.value(":path"), h.value(":authority")
	if !httpfield.IsToken(method) || method == http.MethodConnect || !isTarget(path) || host == "" {
		return nil, false
	}
	r := &http.Request{
		Method: method, URL: c.target(path), Host: host, Header: header(forwardable(h)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = []string{""}
	}
	if body != "" {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(body))), int64(len(body))
	}
	if len(trailers) > 0 {
		r.ContentLength = -1
		r.Trailer = header(forwardable(trailers))
	}
	return r, true
}

// exchange makes the call. As in Envoy, a peer that cannot be reached and one
// that does not answer in time give a reply of the proxy's own; one that breaks
// off after its headers gives nothing.
func exchange(ctx context.Context, t http.RoundTripper, r *http.Request) *callReply {
	resp, err := t.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return noReply(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case ctx.Err() != nil:
		return noReply(ctx, ctx.Err())
	case err != nil || len(body) > maxReply:
		return &callReply{}
	}
	return &callReply{headers: responsePairs(resp), body: body, trailers: headerPairs(resp.Trailer)}
}

func noReply(ctx context.Context, err error) *callReply {
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

// answered calls the module back. The stream that made the call may be gone;
// the module then finds that it cannot make it the effective context.
func (v *vm) answered(c *call, r *callReply) {
	if !v.lock() {
		return
	}
	defer v.unlock()
	if v.calls[c.id] == nil {
		return
	}
	delete(v.calls, c.id)
	v.reply = r
	_, _ = v.call(v.exp.httpCallResponse, rootID, uint64(c.id), uint64(len(r.headers)), uint64(len(r.body)), uint64(len(r.trailers)))
	v.reply = nil
}
