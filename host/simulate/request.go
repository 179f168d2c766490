package simulate

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Request is a request as a proxy gets it, with all that decides about it.
type Request struct {
	Method string
	Target string // path and query, as sent
	Host   string // "": DefaultHost
	Scheme string // "": http
	// Headers are the fields in their order, with names in any case. A content-length
	// is added to a body that has neither a length nor a transfer-encoding.
	Headers [][2]string
	Body    string

	// Claims make the request one of a user with these claims: it gets a token that
	// the policy accepts, at the first of the policy's places that is a header, else
	// at the first one. Missing: no token is added.
	Claims value.Value
	Token  string // added there instead: a token that is verified with the policy's keys; "": none

	ID   string      // x-request-id; "": none
	IP   string      // of the client; "": not known
	Peer value.Value // the verified client certificate, as args.peer; Missing: none
	Now  time.Time   // the time of the request
	Seed uint64      // of the nonces

	Tracer    rules.Tracer // is told of the evaluations; nil: nobody is
	Companion Companion    // nil: a call is an error
	Response  *Response    // of the upstream; nil: the simulation ends with the request
}

// DefaultHost is the host of requests that name none.
const DefaultHost = "localhost"

// Response is a response of an upstream, or to the client.
type Response struct {
	Status  int
	Headers [][2]string
	Body    string
}

// fields returns the response's header as a proxy passes it to the module.
func (r *Response) fields() [][2]string {
	return append([][2]string{{":status", strconv.Itoa(r.Status)}}, r.Headers...)
}

// Fields returns the request's header as a proxy passes it to the module: pseudo-headers
// first, names in lower case. Its tokens come where the policy looks for them; k makes
// those of Claims, and is nil where there are none.
func (r *Request) Fields(p *policy.Policy, k *TrustedKey) ([][2]string, error) {
	scheme, host := r.Scheme, r.Host
	if scheme == "" {
		scheme = "http"
	}
	if host == "" {
		host = DefaultHost
	}
	fields := [][2]string{{":method", r.Method}, {":path", r.Target}, {":authority", host}, {":scheme", scheme}}
	sized := r.Body == ""
	for _, h := range r.Headers {
		name := strings.ToLower(h[0])
		sized = sized || name == "content-length" || name == "transfer-encoding"
		fields = append(fields, [2]string{name, h[1]})
	}
	if !sized {
		fields = append(fields, [2]string{"content-length", strconv.Itoa(len(r.Body))})
	}
	if r.ID != "" {
		fields = append(fields, [2]string{"x-request-id", r.ID})
	}
	raw := r.Token
	if r.Claims.Kind() != value.Missing {
		var err error
		if k == nil {
			return nil, errors.New("claims without a token, where the simulation has the keys of its caller")
		}
		if raw, err = k.Mint(p, r.Claims, r.Now); err != nil {
			return nil, err
		}
	}
	if raw == "" {
		return fields, nil
	}
	return PlaceToken(fields, p.Sources, raw), nil
}

// forwarded returns the request with the changes, as a proxy sends it on.
func forwarded(r *Request, fields [][2]string, c *decide.Changes) *Forwarded {
	f := &Forwarded{Method: r.Method, Target: fields[1][1], Body: r.Body}
	var headers [][2]string
	for _, h := range fields {
		if !strings.HasPrefix(h[0], ":") {
			headers = append(headers, h)
		}
	}
	f.Headers = changed(headers, c)
	if c.Path != "" {
		f.Target = c.Path
	}
	if c.Body != nil {
		f.Body = *c.Body
	}
	return f
}

// changed returns header fields after the changes: removals, then settings.
func changed(headers [][2]string, c *decide.Changes) [][2]string {
	replaced := func(h [2]string) bool {
		same := func(name string) bool { return strings.EqualFold(name, h[0]) }
		return slices.ContainsFunc(c.RemoveHeaders, same) ||
			slices.ContainsFunc(c.SetHeaders, func(set [2]string) bool { return same(set[0]) })
	}
	out := slices.DeleteFunc(slices.Clone(headers), replaced)
	return append(out, c.SetHeaders...)
}

// Values returns the values of a header, whose name may be in any case.
func Values(headers [][2]string, name string) (values []string) {
	for _, h := range headers {
		if strings.EqualFold(h[0], name) {
			values = append(values, h[1])
		}
	}
	return values
}

// seed returns a seed of ChaCha8.
func seed(n uint64) (out [32]byte) {
	binary.LittleEndian.PutUint64(out[:], n)
	return out
}
