package harness

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/rulegate/rulegate/rules/wire"
)

// Bans lets through who is not banned, so that an answer that is lost, late or
// forged would let everybody through if anything took it for no rows.
const Bans = `
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

var BansKeys = wire.DeriveKeys(OwnSecret)

// NoRows is the answer that lets a request through.
func NoRows(request []byte) []byte {
	calls, err := readCalls(request)
	if err != nil || len(calls) != 1 {
		return nil
	}
	return []byte(JSON(map[string]any{"replies": []any{map[string]any{"id": calls[0]["id"], "rows": []any{}}}}))
}

func Sealed(w http.ResponseWriter, keys wire.Keys, request, answer []byte) {
	w.Header().Set("content-type", "application/json")
	w.Header().Set(wire.SealHeader, keys.Seal(request, answer))
	w.Write(answer)
}

// BansFile is a SQLite file in which u2 is banned, for the policy bans.
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
