package envoy

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/wire"
)

// bans lets through who is not banned, so that an answer that is lost, late or
// forged would let everybody through if anything took it for no rows.
const bans = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
companion: {cluster: rulegate-companion, timeout: 400ms}
databases: {social: {type: embedded, conn: social.db}}
routes:
  - name: page
    match: {methods: [GET, POST], path: "/page"}
    rule:
      rule: query
      db: social
      col: bans
      find: {id: args.auth.id}
      clause: {rule: match, type: number, eval: "==", f1: utils.length(args.result), f2: 0}
`

var bansKeys = wire.DeriveKeys(ownSecret)

// behaviour is how a companion answers a request with this body.
type behaviour func(w http.ResponseWriter, r *http.Request, request []byte)

// noRows is the answer that lets a request through.
func noRows(request []byte) []byte {
	calls, err := readCalls(request)
	if err != nil || len(calls) != 1 {
		return nil
	}
	return []byte(mustJSON(map[string]any{"replies": []any{map[string]any{"id": calls[0]["id"], "rows": []any{}}}}))
}

func sealed(w http.ResponseWriter, keys wire.Keys, request, answer []byte) {
	w.Header().Set("content-type", "application/json")
	w.Header().Set(wire.SealHeader, keys.Seal(request, answer))
	w.Write(answer)
}

// breakOff closes the connection after a part of an answer.
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
	"good": {true, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		sealed(w, bansKeys, request, noRows(request))
	}},
	"banned": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		answer := strings.Replace(string(noRows(request)), `"rows":[]`, `"rows":[{"id":"u1"}]`, 1)
		sealed(w, bansKeys, request, []byte(answer))
	}},
	"late": {false, func(w http.ResponseWriter, r *http.Request, request []byte) {
		time.Sleep(1200 * time.Millisecond)
		sealed(w, bansKeys, request, noRows(request))
	}},
	"unsigned": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		w.Write(noRows(request))
	}},
	"signed with another secret": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		sealed(w, wire.DeriveKeys("another secret"), request, noRows(request))
	}},
	"signed for another request": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		answer := noRows(request)
		w.Header().Set(wire.SealHeader, bansKeys.Seal(append(request, ' '), answer))
		w.Write(answer)
	}},
	"changed after the signature": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		answer := noRows(request)
		w.Header().Set(wire.SealHeader, bansKeys.Seal(request, answer))
		w.Write(append(answer, ' '))
	}},
	"status 500": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		answer := noRows(request)
		w.Header().Set(wire.SealHeader, bansKeys.Seal(request, answer))
		w.WriteHeader(http.StatusInternalServerError)
		w.Write(answer)
	}},
	"redirect": {false, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}},
	"empty": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		sealed(w, bansKeys, request, nil)
	}},
	"no JSON": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		sealed(w, bansKeys, request, []byte("<html>"))
	}},
	"no reply to the call": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		sealed(w, bansKeys, request, []byte(`{"replies":[]}`))
	}},
	"two replies to the call": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		answer := strings.TrimSuffix(strings.TrimPrefix(string(noRows(request)), `{"replies":[`), `]}`)
		sealed(w, bansKeys, request, []byte(`{"replies":[`+answer+`,`+answer+`]}`))
	}},
	"reply of another call": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		sealed(w, bansKeys, request, []byte(`{"replies":[{"id":"x","rows":[]}]}`))
	}},
	"rows repeated": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		answer := strings.Replace(string(noRows(request)), `"rows":[]`, `"rows":[{"id":"u1"}],"rows":[]`, 1)
		sealed(w, bansKeys, request, []byte(answer))
	}},
	"closed at once": {false, func(w http.ResponseWriter, _ *http.Request, _ []byte) { breakOff(w, "") }},
	"broken off in the headers": {false, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		breakOff(w, "HTTP/1.1 200 OK\r\ncontent-")
	}},
	"broken off in the body": {false, func(w http.ResponseWriter, _ *http.Request, request []byte) {
		answer := noRows(request)
		breakOff(w, fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %s\r\ncontent-length: %d\r\n\r\n%s",
			wire.SealHeader, bansKeys.Seal(request, answer), len(answer), answer[:len(answer)-1]))
	}},
}
