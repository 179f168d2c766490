package issuer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Path is where the set is served.
const Path = "/.well-known/jwks.json"

// MetadataPath is where the issuer says where its set is (OpenID Connect Discovery 1.0).
const MetadataPath = "/.well-known/openid-configuration"

// maxClaims bounds the body of POST /token, in bytes.
const maxClaims = 16 << 10

// routes registers the endpoints:
//
//	GET  /.well-known/jwks.json   the set
//	GET  /.well-known/openid-configuration   its URL
//	POST /token?alg=ES256         a token with the claims of the body
//	POST /rotate                  new keys; the response lists the ids in the set
//	GET  /healthz                 ok
func (s *Issuer) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET "+Path, s.serveSet)
	s.mux.HandleFunc("GET "+MetadataPath, s.serveMetadata)
	s.mux.HandleFunc("POST /token", s.serveToken)
	s.mux.HandleFunc("POST /rotate", s.serveRotate)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
}

func (s *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.mux.ServeHTTP(w, r)
}

func (s *Issuer) serveSet(w http.ResponseWriter, _ *http.Request) {
	set, err := s.JWKS()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json")
	switch age := s.config.MaxAge; {
	case age > 0:
		h.Set("Cache-Control", "public, max-age="+strconv.FormatInt(int64(age/time.Second), 10))
	case age < 0:
		h.Set("Cache-Control", "no-store")
	}
	w.Write(set)
}

func (s *Issuer) serveMetadata(w http.ResponseWriter, r *http.Request) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"issuer": s.config.Name, "jwks_uri": scheme + r.Host + Path,
		"id_token_signing_alg_values_supported": s.config.Algs, "subject_types_supported": []string{"public"}, "response_types_supported": []string{},
	})
}

func (s *Issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	if fromPage(w, r) {
		return
	}
	claims, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxClaims))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, "claims: too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "claims: the body broke off", http.StatusBadRequest)
		return
	}
	raw, err := s.Mint(string(claims), r.URL.Query().Get("alg"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/jwt")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, raw)
}

func (s *Issuer) serveRotate(w http.ResponseWriter, r *http.Request) {
	if fromPage(w, r) {
		return
	}
	if err := s.Rotate(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string][]string{"kids": s.Kids()})
}

// fromPage refuses requests of web pages: any page in the developer's browser can
// post to a loopback port and, if its host name resolves to 127.0.0.1, read the
// response too. Browsers send Origin with each POST.
func fromPage(w http.ResponseWriter, r *http.Request) bool {
	page := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
	if page {
		http.Error(w, "not for pages in a browser", http.StatusForbidden)
	}
	return page
}
