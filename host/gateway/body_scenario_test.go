package gateway

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// large exceeds the module's memory at its start, so that reading it makes the
// memory grow within a callback.
var large = strings.Repeat("0123456789abcdef", 3<<16)

// held is more than a limit of 65535 bytes, in two pieces.
var held = []string{strings.Repeat("a", 40_000), strings.Repeat("b", 40_000)}

// bodyScenarios are about large bodies, about limits over HTTP/2, where pieces
// have any size, and about clients and upstreams that break off.
var bodyScenarios = []scenario{
	{
		name: "a large body is fetched and replaced", method: "POST", pieces: []string{large}, limit: 16 << 20,
		script: "request_headers: pause; remove content-length\nrequest_body more: pause\nrequest_body end: double; double",
		code:   200, body: "hello", sent: "POST / " + large + large + large + large,
		trace: []string{"request_headers end=false", "..."},
	},
	{
		name: "a large body is fetched and replaced in a call's reply", method: "POST", pieces: []string{large}, limit: 16 << 20,
		script: "request_headers: pause; remove content-length\nrequest_body more: pause\nrequest_body end: pause; call peer 15000 /x\ncall: double; resume request",
		code:   200, body: "hello", sent: "POST / " + large + large,
		trace: []string{"request_headers end=false", "..."},
	},
	{
		name:   "a large response is fetched and replaced",
		script: "response_headers: pause; remove content-length\nresponse_body more: pause\nresponse_body end: double", limit: 16 << 20,
		respond: plain(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) }),
		code:    200, body: large + large, sent: "GET / ",
		trace: []string{"request_headers end=true", "response_headers end=false", "..."},
	},
	{
		name: "a body within the limit over HTTP/2", method: "POST", pieces: held[:1], http2: true, limit: 65535,
		script: "request_headers: pause\nrequest_body more: pause",
		code:   200, body: "hello", sent: "POST / " + held[0],
		trace: []string{"request_headers end=false", "..."},
	},
	{
		name: "a body over the limit over HTTP/2", method: "POST", pieces: held, http2: true, limit: 65535,
		script: "request_headers: pause\nrequest_body: pause",
		code:   413, body: "Payload Too Large",
		trace: []string{"request_headers end=false", "..."},
	},
	{
		name: "a response over the limit over HTTP/2", http2: true, limit: 65535,
		script:  "response_headers: pause\nresponse_body: pause",
		respond: inPieces(held...),
		code:    500, body: "Internal Server Error", sent: "GET / ",
		trace: []string{"request_headers end=true", "response_headers end=false", "..."},
	},
	{
		name: "a response over the limit whose headers were sent", limit: 65535,
		script:  "response_body more: pause",
		respond: inPieces(held...),
		sent:    "GET / ",
		trace:   []string{"request_headers end=true", "response_headers end=false", "..."},
	},
	{
		name: "a body over the limit with trailers", method: "POST", pieces: held, trailers: []string{"x-t", "1"}, limit: 65535,
		script: "request_headers: pause\nrequest_body: pause\nrequest_trailers: continue",
		code:   413, body: "Payload Too Large",
		trace: []string{"request_headers end=false", "..."},
	},
	{
		name: "a client that leaves while its request is paused", leave: "request_headers end=true",
		script: "request_headers: mark; tickevery 10; pause; call late 15000 /x\ntick gone: tickevery 0; formarked resume request",
		trace:  []string{"request_headers end=true", "log", "tick gone", "tick gone: formarked: effective: error status returned by host: bad argument"},
	},
	{
		name: "a client that leaves in the midst of its body", method: "POST", pieces: []string{"one", ""}, leave: "request_body 3 end=false",
		script: "request_headers: mark; tickevery 10; pause\nrequest_body: pause\ntick gone: tickevery 0; formarked reply 403 no",
		trace:  []string{"request_headers end=false", "request_body 3 end=false", "log", "tick gone", "tick gone: formarked: effective: error status returned by host: bad argument"},
	},
	{
		name: "a client that leaves while its response is held", leave: "response_body 5 end=true", sent: "GET / ",
		script: "request_headers: mark; tickevery 10\nresponse_headers: pause\nresponse_body: pause\ntick gone: tickevery 0; formarked resume response",
		trace: []string{"request_headers end=true", "response_headers end=false", "response_body 5 end=false", "response_body 5 end=true",
			"log", "tick gone", "tick gone: formarked: effective: error status returned by host: bad argument"},
	},
	{
		name: "an upstream that breaks off within a trailer section", respond: func(*testbed) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					panic(http.ErrAbortHandler)
				}
				defer conn.Close()
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: ")
				time.Sleep(10 * time.Millisecond)
			}
		},
		script: "response_headers: pause\nresponse_body: pause\nresponse_trailers: continue",
		code:   502, body: "upstream connect error or disconnect/reset before headers. reset reason: protocol error", sent: "GET / ",
		trace: []string{"request_headers end=true", "response_headers end=false", "..."},
	},
}
