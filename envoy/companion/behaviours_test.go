package companion

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/rules/wire"
)

// behaviour answers a request of the module, whose body it gets.
type behaviour func(w http.ResponseWriter, r *http.Request, request []byte)

// breakOff writes a part of a response and closes the connection.
func breakOff(w http.ResponseWriter, part string) {
	conn, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	buf.WriteString(part)
	buf.Flush()
	conn.Close()
}

var behaviours = map[string]struct {
	through bool
	answer  behaviour
}{
	"good": {true, func(w http.ResponseWriter, r *http.Request, request []byte) {
		harness.Sealed(w, harness.BansKeys, r, harness.NoRows(request))
	}},
	"banned": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := strings.Replace(string(harness.NoRows(request)), `"rows":[]`, `"rows":[{"id":"u1"}]`, 1)
		harness.Sealed(w, harness.BansKeys, r, []byte(answer))
	}},
	"late": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		time.Sleep(1200 * time.Millisecond)
		harness.Sealed(w, harness.BansKeys, r, harness.NoRows(request))
	}},
	"unsigned": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		w.Write(harness.NoRows(request))
	}},
	"signed with another secret": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		harness.Sealed(w, wire.DeriveKeys("another secret"), r, harness.NoRows(request))
	}},
	"signed for another request": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := harness.NoRows(request)
		w.Header().Set(wire.SealHeader, harness.BansKeys.Seal(harness.BansKeys.Sign("shop", append(request, ' '), time.Now()), answer))
		w.Write(answer)
	}},
	"changed after the signature": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := harness.NoRows(request)
		w.Header().Set(wire.SealHeader, harness.BansKeys.Seal(r.Header.Get("authorization"), answer))
		w.Write(append(answer, ' '))
	}},
	"status 500": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := harness.NoRows(request)
		w.Header().Set(wire.SealHeader, harness.BansKeys.Seal(r.Header.Get("authorization"), answer))
		w.WriteHeader(http.StatusInternalServerError)
		w.Write(answer)
	}},
	"of another version": {false, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
	}},
	"redirect": {false, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}},
	"empty": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		harness.Sealed(w, harness.BansKeys, r, nil)
	}},
	"no JSON": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		harness.Sealed(w, harness.BansKeys, r, []byte("<html>"))
	}},
	"no reply to the call": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		harness.Sealed(w, harness.BansKeys, r, []byte(`{"replies":[]}`))
	}},
	"two replies to the call": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := strings.TrimSuffix(strings.TrimPrefix(string(harness.NoRows(request)), `{"replies":[`), `]}`)
		harness.Sealed(w, harness.BansKeys, r, []byte(`{"replies":[`+answer+`,`+answer+`]}`))
	}},
	"reply of another call": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		harness.Sealed(w, harness.BansKeys, r, []byte(`{"replies":[{"id":"x","rows":[]}]}`))
	}},
	"rows repeated": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := strings.Replace(string(harness.NoRows(request)), `"rows":[]`, `"rows":[{"id":"u1"}],"rows":[]`, 1)
		harness.Sealed(w, harness.BansKeys, r, []byte(answer))
	}},
	"closed at once": {false, func(w http.ResponseWriter, _ *http.Request, _ []byte) { breakOff(w, "") }},
	"broken off in the headers": {false, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		breakOff(w, "HTTP/1.1 200 OK\r\ncontent-")
	}},
	"broken off in the body": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		answer := harness.NoRows(request)
		breakOff(w, fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %s\r\ncontent-length: %d\r\n\r\n%s",
			wire.SealHeader, harness.BansKeys.Seal(r.Header.Get("authorization"), answer), len(answer), answer[:len(answer)-1]))
	}},
}
