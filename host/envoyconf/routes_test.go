package envoyconf

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

func loadPolicy(t *testing.T, text string) *policy.Policy {
	t.Helper()
	doc, err := value.Parse(text, policy.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := policy.Load(doc, policy.Options{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// envoyRoute is a route as Envoy reads it.
type envoyRoute struct {
	Match struct {
		Prefix  string
		Regex   struct{ Regex string } `json:"safe_regex"`
		Headers []struct {
			Name   string
			String struct {
				Regex struct{ Regex string } `json:"safe_regex"`
			} `json:"string_match"`
		}
		State []struct {
			Key    string
			String struct {
				Exact string
				Regex struct{ Regex string } `json:"safe_regex"`
			} `json:"string_match"`
		} `json:"filter_state"`
	}
	Route struct {
		Idle string `json:"idle_timeout"`
	}
	Filters map[string]struct {
		Origins []struct{ Exact string } `json:"allow_origin_string_match"`
	} `json:"typed_per_filter_config"`
}

// matches reports whether the route is for a request; state is its mark of
// releasedFilter.
func (r *envoyRoute) matches(host, path, method, state string) bool {
	m := &r.Match
	for _, s := range m.State {
		if expr := s.String.Regex.Regex; s.Key != releasedState || !whole(expr+regexp.QuoteMeta(s.String.Exact), state) {
			return false
		}
	}
	if m.Prefix == "" && !whole(m.Regex.Regex, path) {
		return false
	}
	for _, h := range m.Headers {
		if !whole(h.String.Regex.Regex, map[string]string{":authority": host, ":method": method}[h.Name]) {
			return false
		}
	}
	return true
}

func whole(expr, text string) bool { return regexp.MustCompile(`^(?:` + expr + `)$`).MatchString(text) }

// Envoy applies the settings of the route that decides, although it has an entry
// only for those that need one.
func TestRoutes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	fewer := 0
	for range 150 {
		paths := map[string]string{}
		for range 2 + r.IntN(10) {
			host := pick(`"host": "a.example", `, `"host": "*.example", `, "", "")
			path := "/" + pick("a", "b", "{x}") + pick("", "/c", "/{y}", "/{z...}")
			cors := pick("", "", `"cors": "none", `, `"cors": {"origins": ["https://one.example"]}, `, `"cors": {"origins": ["https://two.example"]}, `)
			if r.IntN(4) == 0 {
				cors += `"idle": "1h", `
			}
			shape := regexp.MustCompile(`\{\w+`).ReplaceAllString(host+path, "{")
			paths[shape] = fmt.Sprintf(`{"match": {%s"path": %q}, %s"rule": {"rule": %q}}`, host, path, cors, pick("allow", "allow", "authenticated"))
		}
		var routes []string
		for _, text := range paths {
			routes = append(routes, text)
		}
		if r.IntN(2) == 0 { // it makes every policy with it hold requests
			routes = append(routes, `{"match": {"path": "/held"}, "rule": {"rule": "remove", "fields": ["args.params.x"]}}`)
		}
		text := fmt.Sprintf(`{%s"limits": {"idle": "10m"}, "project": "c", "apiPrefix": "/a", "services": {"s": {"endpoints": {}}}, "routes": [%s]}`,
			pick("", `"cors": {"origins": ["https://main.example"]}, `), strings.Join(routes, ", "))
		p := loadPolicy(t, text)
		l := Listener{Rules: p, Upstream: "u"}
		encoded, err := json.Marshal(l.routes())
		if err != nil {
			t.Fatal(err)
		}
		var list []envoyRoute
		if err := json.Unmarshal(encoded, &list); err != nil {
			t.Fatal(err)
		}
		if len(list) <= len(routes) {
			fewer++
		}
		for range 40 {
			host := pick("a.example", "b.example:80", "other")
			path := pick("", "/a", "/b", "/q") + pick("", "/c", "/d", "/services") + pick("/", "/e", "/services/x")
			want := ""
			cors, idle, held := p.CORS, "600s", false
			if res := p.Serving("GET", host, path); res != nil {
				if cors = res.CORS; res.Idle > 0 {
					idle, held = "3600s", true
				}
			}
			state := pick("", "-", "1")
			if p.Waits() && (state == "" || state == "1" && !held) {
				idle = "" // the listener's
			}
			if cors != nil {
				want = cors.Origins[0]
			}
			for i := range list {
				if !list[i].matches(host, path, "GET", state) {
					continue
				}
				got := ""
				if f, ok := list[i].Filters[corsFilter]; ok {
					got = f.Origins[0].Exact
				}
				if got != want || list[i].Route.Idle != idle {
					t.Fatalf("%s%s, state %q: Envoy has the origin %q and idle %q, the policy %q and %q\n%s\n%s",
						host, path, state, got, list[i].Route.Idle, want, idle, text, encoded)
				}
				break
			}
		}
	}
	if fewer == 0 {
		t.Error("every route of every policy has an entry")
	}
}

// A pattern covers the same origins in Envoy as in the module.
func TestOriginMatch(t *testing.T) {
	patterns := []string{"https://*.shop.example", "https://*.a.b:8443", "https://app.example", "null"}
	origins := []string{"https://app.example", "https://a.shop.example", "https://a.b.shop.example", "https://shop.example", "https://.shop.example",
		"https://a..shop.example", "https://xshop.example", "https://a.shopXexample", "https://a.shop.example.evil", "https://a:1.shop.example",
		"https://a/.shop.example", "https://a.a.b:8443", "https://a.a.b", "null", "*", "https://A.shop.example", "http://a.shop.example", "https://a_-9.shop.example",
		"https://*.shop.example", "xhttps://a.shop.example", "https://a.shop.example\n"}
	for _, pattern := range patterns {
		c := policy.CORS{Origins: []string{pattern}}
		o := originMatch(pattern)
		for _, origin := range origins {
			envoy := o[0].key == "exact" && o[0].value == origin
			if o[0].key == "safe_regex" {
				envoy = whole(o[0].value.(object)[0].value.(string), origin)
			}
			if envoy != c.Allows(origin) {
				t.Errorf("%s and %q: Envoy %v, the module %v", pattern, origin, envoy, c.Allows(origin))
			}
		}
	}
}
