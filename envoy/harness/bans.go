package harness

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/rulegate/rulegate/rules/wire"
)

// BansPolicy lets a user through if the collection bans has no row for them. A
// reply that is lost, late or forged must not count as "no rows".
const BansPolicy = `
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

// BansKeys are the keys that BansPolicy shares with its companion.
var BansKeys = wire.DeriveKeys(OwnSecret)

// NoRows returns the reply to a request of the module with no rows for each of its
// queries: by BansPolicy the users are let through.
func NoRows(request []byte) []byte {
	calls, err := readCalls(request)
	if err != nil {
		return nil
	}
	replies := make([]any, len(calls))
	for i, c := range calls {
		replies[i] = map[string]any{"id": c["id"], "rows": []any{}}
	}
	return []byte(JSON(map[string]any{"replies": replies}))
}

// Sealed writes a reply with the seal that proves that it answers this request.
func Sealed(w http.ResponseWriter, keys wire.Keys, r *http.Request, answer []byte) {
	w.Header().Set("content-type", "application/json")
	w.Header().Set(wire.SealHeader, keys.Seal(r.Header.Get("authorization"), answer))
	w.Write(answer)
}

// BansFile creates a SQLite file for BansPolicy in which u2 is banned.
func BansFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "social.db")
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.Exec(`CREATE TABLE bans (id TEXT); INSERT INTO bans VALUES ('u2')`)
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
