package main

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// authzCommand runs the server for ext_authz, as a process of its own.
const authzCommand = "authz-server"

// serveAuthz is the server that people write for ext_authz: it wants a valid token of
// a user who has no row in bans. args are its address and the database's file.
func serveAuthz(args []string, stderr io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(stderr, authzCommand+": want an address and a file")
		return 2
	}
	db, err := sql.Open("sqlite", "file:"+args[1]+"?mode=ro")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	defer db.Close()
	db.SetMaxOpenConns(32) // the companion's number
	db.SetMaxIdleConns(32)
	server := &http.Server{Addr: args[0], Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(authorize(db, r))
	})}
	fmt.Fprintln(stderr, server.ListenAndServe())
	return 1
}

func authorize(db *sql.DB, r *http.Request) (status int) {
	text, _ := strings.CutPrefix(r.Header.Get("authorization"), "Bearer ")
	var claims jwt.Claims
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256})
	if err == nil {
		err = token.Claims([]byte(secret), &claims)
	}
	if err == nil {
		err = claims.Validate(jwt.Expected{Time: time.Now()})
	}
	if err != nil {
		return http.StatusUnauthorized
	}
	var n int
	if err := db.QueryRowContext(r.Context(), "SELECT count(*) FROM bans WHERE id = ?", claims.Subject).Scan(&n); err != nil {
		return http.StatusServiceUnavailable
	}
	if n > 0 {
		return http.StatusForbidden
	}
	return http.StatusOK
}
