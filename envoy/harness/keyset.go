package harness

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
)

// issuerPlaceholder stands in a case's policy for the URL of a server of key sets:
//
//	/keys   the public keys of the tests, with their names as kid, and keys that
//	        must be ignored: one for encryption, a secret
//	/late   the same, but the first response lacks the key with the kid ec
//	/replaced the same, but in the first response the kid rsa is that of other-rsa
//	/nameless one key, ec's, without a kid and with members that are null; only
//	        for requests with accept-encoding: identity
//	/away   503
//	/page   an HTML page
//	/secret a set with one secret
//	/introspect answers about opaque tokens, see introspect
//	/oidc   the name of an issuer with metadata, and likewise those of metadata
const issuerPlaceholder = "{{issuer}}"

// keysHostPlaceholder stands for the host of another server of the same sets.
const keysHostPlaceholder = "{{keys-host}}"

var issuerSeen sync.Map // the paths requested so far

// keyServers starts two servers for all cases, and returns their URLs; withIssuer gives
// each case a path.
var keyServers = sync.OnceValue(func() (urls [2]string) {
	for i := range urls {
		urls[i] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveKeys(w, r, urls[1]) })).URL
	}
	return urls
})

// metadata serves the metadata of an issuer (OpenID Connect Discovery 1.0). The last
// segment of the issuer's name names their mistake.
func metadata(w http.ResponseWriter, r *http.Request, name, otherHost string) {
	base, kind := name[:strings.LastIndexByte(name, '/')], name[strings.LastIndexByte(name, '/')+1:]
	issuer, keys := "http://"+r.Host+name, "http://"+r.Host+base+"/keys"
	switch kind {
	case "oidc":
	case "oidc-other-name":
		issuer += "/"
	case "oidc-other-host":
		keys = otherHost + base + "/keys"
	case "oidc-of-one-key":
		keys = "http://" + r.Host + base + "/nameless"
	case "oidc-away":
		keys = "http://" + r.Host + base + "/away"
	case "oidc-other-scheme":
		keys = "https://" + r.Host + base + "/keys"
	case "oidc-with-a-user":
		keys = "http://id@" + r.Host + base + "/keys"
	case "oidc-without-keys":
		fmt.Fprintf(w, `{"issuer":%q}`, issuer)
		return
	case "oidc-twice":
		fmt.Fprintf(w, `{"issuer":"x","issuer":%q,"jwks_uri":%q}`, issuer, keys)
		return
	case "oidc-elsewhere":
		http.Redirect(w, r, base+"/oidc/.well-known/openid-configuration", http.StatusFound)
		return
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"response_types_supported":["code"],"more":{"a":[1]}}`, issuer, keys)
}

func serveKeys(w http.ResponseWriter, r *http.Request, otherHost string) {
	if name, ok := strings.CutSuffix(r.URL.Path, "/.well-known/openid-configuration"); ok {
		metadata(w, r, name, otherHost)
		return
	}
	_, again := issuerSeen.LoadOrStore(r.URL.Path, true)
	switch path := r.URL.Path; path[strings.LastIndexByte(path, '/')+1:] {
	case "keys":
		w.Header().Set("cache-control", "public, max-age=3600")
		fmt.Fprint(w, KeySet(""))
	case "replaced":
		set := KeySet("")
		if !again {
			old := func(name string) string {
				return base64URL(testKeys()[name].signer.Public().(*rsa.PublicKey).N.Bytes())
			}
			set = strings.Replace(set, old("rsa"), old("other-rsa"), 1)
		}
		fmt.Fprint(w, set)
	case "nameless":
		if r.Header.Get("accept-encoding") != "identity" {
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		w.Header().Set("content-encoding", "identity")
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","kid":null,"alg":null,"key_ops":null,"use":"jwt-svid","x":%q,"y":%q}]}`,
			base64URL(ecPoint("ec")[1:33]), base64URL(ecPoint("ec")[33:]))
	case "late":
		if again {
			fmt.Fprint(w, KeySet(""))
		} else {
			fmt.Fprint(w, KeySet("ec"))
		}
	case "page":
		fmt.Fprint(w, "<html>sign in</html>")
	case "secret":
		fmt.Fprintf(w, `{"keys":[{"kty":"oct","kid":"own","alg":"HS256","k":%q}]}`, base64URL([]byte(OwnSecret)))
	case "introspect":
		introspect(w, r)
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

var issuerPaths atomic.Int64

// withIssuer replaces the placeholders in the sections of a case with URLs that no other
// case has.
func withIssuer(sections map[string]string) {
	if !strings.Contains(sections["policy.yaml"], issuerPlaceholder) {
		return
	}
	r := strings.NewReplacer(issuerPlaceholder, fmt.Sprintf("%s/%d", keyServers()[0], issuerPaths.Add(1)),
		keysHostPlaceholder, strings.TrimPrefix(keyServers()[1], "http://"))
	for name, text := range sections {
		sections[name] = r.Replace(text)
	}
}

// ecPoint returns the point of an EC key, uncompressed (SEC 1 section 2.3.3).
func ecPoint(name string) []byte {
	point, err := testKeys()[name].signer.Public().(*ecdsa.PublicKey).Bytes()
	if err != nil {
		panic(err)
	}
	return point
}

// KeySet returns a JWK set of the tests' public keys, without the one named.
func KeySet(without string) string {
	keys := []map[string]any{
		{"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "kid": "encryption", "n": base64URL(make([]byte, 256)), "e": "AQAB"},
		{"kty": "EC", "crv": "secp256k1", "alg": "ES256K", "kid": "coin", "x": base64URL(make([]byte, 32)), "y": base64URL(make([]byte, 32))},
		{"kty": "oct", "kid": "own", "alg": "HS256", "k": base64URL([]byte(OwnSecret))},
	}
	for name, k := range testKeys() {
		if k.signer == nil || name == without || strings.HasPrefix(name, "other") {
			continue
		}
		jwk := map[string]any{"kid": name, "use": "sig"}
		switch p := k.signer.Public().(type) {
		case *rsa.PublicKey:
			jwk["kty"], jwk["n"], jwk["e"] = "RSA", base64URL(p.N.Bytes()), base64URL(big.NewInt(int64(p.E)).Bytes())
		case *ecdsa.PublicKey:
			size := (p.Curve.Params().BitSize + 7) / 8
			point, err := p.Bytes()
			if err != nil {
				panic(err)
			}
			jwk["kty"], jwk["crv"] = "EC", p.Curve.Params().Name
			jwk["x"], jwk["y"] = base64URL(point[1:1+size]), base64URL(point[1+size:])
		case ed25519.PublicKey:
			jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", base64URL(p)
		}
		keys = append(keys, jwk)
	}
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	return string(text)
}
