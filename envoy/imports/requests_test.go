package imports

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rulegate/rulegate/envoy/harness"
	"go.yaml.in/yaml/v4"
)

// issuer signs tokens.
type issuer struct {
	kid string
	key crypto.Signer
}

// issuers: the sources have the keys of a and b; those of the third are nowhere.
var issuers = map[string]*issuer{"a": newIssuer("a"), "b": newIssuer("b"), "stranger": newIssuer("a")}

func newIssuer(kid string) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &issuer{kid, key}
}

func (i *issuer) jwks() string {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Algorithm: "ES256"}}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (i *issuer) sign(claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, (&jose.SignerOptions{}).WithHeader("kid", i.kid))
	if err != nil {
		panic(err)
	}
	payload, _ := json.Marshal(claims)
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, _ := signed.CompactSerialize()
	return text
}

// material are the parts of requests for a source: the source's literals and their
// neighbours.
type material struct {
	literal, paths, values, names, methods, hosts []string
	claims                                        [][]string // paths of claims
}

// hints are lines of a source with more material: `# paths: /a/1, /a/2`.
var hints = regexp.MustCompile(`(?m)^# (paths|headers|claims|values): (.*)$`)

func gather(source string) material {
	m := material{methods: []string{"GET", "POST", "HEAD", "OPTIONS", "PURGE", "get"}, hosts: []string{"shop.example", "SHOP.example", "other.example:80"}}
	dec := yaml.NewDecoder(strings.NewReader(source))
	for {
		var doc yaml.Node
		if dec.Decode(&doc) != nil {
			break
		}
		m.walk(&doc, "")
	}
	for _, h := range hints.FindAllStringSubmatch(source, -1) {
		for _, s := range strings.Split(h[2], ", ") {
			switch h[1] {
			case "paths":
				m.paths = append(m.paths, s)
			case "headers":
				m.names = append(m.names, s)
			case "claims":
				m.claims = append(m.claims, strings.Split(s, "/"))
			case "values": // most of all
				m.values = append(m.values, slices.Repeat([]string{s}, 8)...)
			}
		}
	}
	m.literal = slices.DeleteFunc(slices.Clone(m.paths), func(p string) bool { return strings.ContainsAny(p, " {}^$\\*()[]") })
	m.paths = neighbours(m.paths)
	slices.Sort(m.names)
	m.names = slices.Compact(m.names)
	return m
}

func (m *material) walk(n *yaml.Node, key string) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && len(n.Value) < 100 && !strings.Contains(n.Value, "type.googleapis") {
		plain := strings.Trim(n.Value, "*")
		switch {
		case strings.HasPrefix(plain, "/"):
			m.paths = append(m.paths, plain)
		case strings.Contains(n.Value, "envoy.") && key != "filter": // names of filters
		case key == "name" || key == "header_name":
			if plain == strings.ToLower(plain) && !strings.HasPrefix(plain, ":") && !strings.Contains(plain, "envoy.") {
				m.names = append(m.names, plain)
			}
			fallthrough
		default:
			m.values = append(m.values, plain)
			if plain == strings.ToUpper(plain) && regexp.MustCompile(`^[A-Z]{3,8}$`).MatchString(plain) {
				m.methods = append(m.methods, plain)
			}
			if strings.HasSuffix(plain, ".example") && !strings.Contains(plain, "/") {
				m.hosts = append(m.hosts, plain, "a"+plain, strings.ToUpper(plain))
			}
		}
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "path" && n.Content[i+1].Kind == yaml.SequenceNode {
				var keys []string
				for _, s := range n.Content[i+1].Content {
					if len(s.Content) == 2 {
						keys = append(keys, s.Content[1].Value)
					}
				}
				if len(keys) > 1 {
					m.claims = append(m.claims, keys[1:])
				}
			}
			m.walk(n.Content[i+1], n.Content[i].Value)
		}
		return
	}
	for _, x := range n.Content {
		m.walk(x, key)
	}
}

// neighbours adds paths that are nearly the same.
func neighbours(paths []string) []string {
	out := []string{"/", "/x"}
	for _, p := range paths {
		if strings.ContainsAny(p, " {}^$\\") {
			continue
		}
		out = append(out, p, p+"/", p+"x", p+"/x/y", p+"?q=1", p+"?", strings.ToUpper(p), "/x"+p, p[:max(1, len(p)-1)])
		out = append(out, "/"+p, "/x/.."+p, p+";a", p+"%2f", fmt.Sprintf("%s%%%02x", p[:len(p)-1], p[len(p)-1]), p+"/../x", p+"#f", p+"/./")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// count is the number of requests for each source.
const count = 400

// requests are made of the literals of a source, the same in each run but for the keys.
func requests(source string) (out []*harness.Request) {
	m, r := gather(source), mathrand.New(mathrand.NewPCG(1, 2))
	pick := func(list []string) string {
		if len(list) == 0 {
			return "x"
		}
		return list[r.IntN(len(list))]
	}
	for range count {
		q := &harness.Request{Method: "GET", Target: pick(m.paths)}
		if r.IntN(2) == 0 {
			q.Target = pick(m.literal)
		}
		if r.IntN(3) == 0 {
			q.Method = pick(m.methods)
		}
		if r.IntN(3) == 0 {
			q.Headers = append(q.Headers, [2]string{"host", pick(m.hosts)})
		}
		for _, name := range m.names {
			if r.IntN(2) == 0 {
				q.Headers = append(q.Headers, [2]string{name, near(r, pick(m.values))})
				if r.IntN(12) == 0 {
					q.Headers = append(q.Headers, [2]string{name, pick(m.values)})
				}
			}
		}
		switch {
		case !strings.Contains(source, "jwt"): // tokens mean nothing to it
		case r.IntN(2) == 0:
			m.valid(r, q, pick)
		default:
			for range r.IntN(5) / 2 {
				m.token(r, q, pick)
			}
		}
		if r.IntN(20) == 0 {
			q.Headers = append(q.Headers, [2]string{"origin", "https://a.example"}, [2]string{"access-control-request-method", "GET"})
		}
		out = append(out, q)
	}
	return out
}

// near is a text, or one like it.
func near(r *mathrand.Rand, s string) string {
	switch r.IntN(14) {
	case 0:
		return s + "x"
	case 1:
		return strings.ToUpper(s)
	case 2:
		return "x" + s
	case 3:
		return strconv.Itoa(r.IntN(200))
	case 4:
		return s[:len(s)/2]
	}
	return s
}

// valid adds a token to a request that nothing is wrong with.
func (m *material) valid(r *mathrand.Rand, q *harness.Request, pick func([]string) string) {
	by := []string{"a", "a", "b"}[r.IntN(3)]
	claims := map[string]any{"iss": "https://" + by + ".example", "exp": time.Now().Add(time.Hour).Unix(), "aud": "shop", "sub": pick(m.values)}
	for _, path := range m.claims {
		if claims[path[0]] != nil {
			continue
		}
		v := any(pick(m.values))
		switch r.IntN(6) {
		case 0:
			v = []any{"x", v}
		case 1:
			v = []any{1, true, 150, 151, 1.5}[r.IntN(5)]
		case 2:
			v = "x " + v.(string)
		}
		setClaim(claims, path, v)
	}
	text := issuers[by].sign(claims)
	switch r.IntN(4) {
	case 0:
		q.Headers = append(q.Headers, [2]string{"x-token", "Token " + text})
	default:
		q.Headers = append(q.Headers, [2]string{"authorization", "Bearer " + text})
	}
}

// token adds a token to a request.
func (m *material) token(r *mathrand.Rand, q *harness.Request, pick func([]string) string) {
	by := []string{"a", "a", "a", "b", "b", "stranger"}[r.IntN(6)]
	claims := map[string]any{"iss": "https://" + by + ".example", "exp": time.Now().Add(time.Hour).Unix()}
	if r.IntN(10) == 0 {
		claims["iss"] = pick([]string{"https://a.example", "https://b.example", "https://c.example"})
	}
	switch r.IntN(14) {
	case 0:
		claims["exp"] = time.Now().Add(-time.Hour).Unix()
	case 1:
		delete(claims, "exp")
	case 2:
		claims["nbf"] = time.Now().Add(time.Hour).Unix()
	}
	if r.IntN(2) == 0 {
		claims["aud"] = []any{"shop", []any{"shop", "x"}, "other"}[r.IntN(3)]
	}
	claims["sub"] = near(r, pick(m.values))
	for _, path := range m.claims {
		if r.IntN(5) > 0 {
			setClaim(claims, path, m.claim(r, pick))
		}
	}
	if r.IntN(8) == 0 { // registered claims of other types
		odd := []any{1, -1, 1.5, 1e30, true, nil, "x", []any{1}, []any{"shop", 1}, map[string]any{}}
		claims[[]string{"sub", "jti", "iat", "nbf", "aud"}[r.IntN(5)]] = odd[r.IntN(len(odd))]
	}
	text := issuers[by].sign(claims)
	if r.IntN(15) == 0 {
		text = text[:len(text)-4] + "AAAA"
	}
	switch r.IntN(12) {
	case 0:
		q.Target += map[bool]string{true: "&", false: "?"}[strings.Contains(q.Target, "?")] + "access_token=" + text
	case 1:
		q.Headers = append(q.Headers, [2]string{"authorization", "bearer " + text})
	case 2:
		q.Headers = append(q.Headers, [2]string{"x-token", text})
	case 3:
		q.Headers = append(q.Headers, [2]string{"x-token", "Token " + text})
	case 4:
		q.Headers = append(q.Headers, [2]string{"authorization", "Basic YTpi"})
	case 5:
		q.Target += map[bool]string{true: "&", false: "?"}[strings.Contains(q.Target, "?")] + "access_token=" + strings.Replace(text, ".", "%2E", 1)
	default:
		q.Headers = append(q.Headers, [2]string{"authorization", "Bearer " + text})
	}
}

func (m *material) claim(r *mathrand.Rand, pick func([]string) string) any {
	v := near(r, pick(m.values))
	switch r.IntN(12) {
	case 0:
		return []any{v, pick(m.values)}
	case 1:
		return r.IntN(200)
	case 2:
		return r.IntN(2) == 0
	case 3:
		return nil
	case 4:
		return pick(m.values) + " " + v
	case 5:
		return map[string]any{"0": v}
	case 6:
		return []any{1, nil, v}
	}
	return v
}

// setClaim sets a claim at a path, or beside it.
func setClaim(claims map[string]any, path []string, v any) {
	for _, key := range path[:len(path)-1] {
		next, ok := claims[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			claims[key] = next
		}
		claims = next
	}
	claims[path[len(path)-1]] = v
}
