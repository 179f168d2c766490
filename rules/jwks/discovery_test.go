package jwks

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
)

func TestKeysURL(t *testing.T) {
	here := Source{URL: "https://id.example/.well-known/openid-configuration", Issuer: "https://id.example", KeysHost: "id.example"}
	named := here
	named.KeysHost = "keys.example:8443"
	for _, tt := range []struct {
		name, metadata string
		from           Source
		want           string // "": refused
	}{
		{"same host", `{"issuer":"https://id.example","jwks_uri":"https://id.example/keys?a=1"}`, here, "https://id.example/keys?a=1"},
		{"same host with its port", `{"issuer":"https://id.example","jwks_uri":"https://ID.example:443/keys"}`, here, "https://ID.example:443/keys"},
		{"another port", `{"issuer":"https://id.example","jwks_uri":"https://id.example:444/keys"}`, here, ""},
		{"host below", `{"issuer":"https://id.example","jwks_uri":"https://a.id.example/keys"}`, here, ""},
		{"another host", `{"issuer":"https://id.example","jwks_uri":"https://keys.example:8443/keys"}`, here, ""},
		{"the host that is named", `{"issuer":"https://id.example","jwks_uri":"https://keys.example:8443/keys"}`, named, "https://keys.example:8443/keys"},
		{"not the host that is named", `{"issuer":"https://id.example","jwks_uri":"https://id.example/keys"}`, named, ""},
		{"less security", `{"issuer":"https://id.example","jwks_uri":"http://id.example/keys"}`, here, ""},
		{"a user", `{"issuer":"https://id.example","jwks_uri":"https://id.example@evil.example/keys"}`, here, ""},
		{"a user at the host", `{"issuer":"https://id.example","jwks_uri":"https://evil@id.example/keys"}`, here, ""},
		{"a backslash", `{"issuer":"https://id.example","jwks_uri":"https://evil.example\\@id.example/keys"}`, here, ""},
		{"a path", `{"issuer":"https://id.example","jwks_uri":"/keys"}`, here, ""},
		{"a file", `{"issuer":"https://id.example","jwks_uri":"file:///keys"}`, here, ""},
		{"no jwks_uri", `{"issuer":"https://id.example"}`, here, ""},
		{"jwks_uri null", `{"issuer":"https://id.example","jwks_uri":null}`, here, ""},
		{"issuer with a slash", `{"issuer":"https://id.example/","jwks_uri":"https://id.example/keys"}`, here, ""},
		{"issuer in upper case", `{"issuer":"https://ID.example","jwks_uri":"https://id.example/keys"}`, here, ""},
		{"no issuer", `{"jwks_uri":"https://id.example/keys"}`, here, ""},
		{"two issuers", `{"issuer":"https://evil.example","issuer":"https://id.example","jwks_uri":"https://id.example/keys"}`, here, ""},
		{"an array", `[{"issuer":"https://id.example","jwks_uri":"https://id.example/keys"}]`, here, ""},
		{"no JSON", `<html>`, here, ""},
		{"nested", strings.Repeat("[", 1000), here, ""},
	} {
		got, err := tt.from.KeysURL(tt.metadata)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q %v", tt.name, got, err)
		}
	}
}

func TestDiscoveryURL(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://id.example":          "https://id.example/.well-known/openid-configuration",
		"https://id.example/":         "https://id.example/.well-known/openid-configuration",
		"https://id.example/tenant/1": "https://id.example/tenant/1/.well-known/openid-configuration",
	} {
		if got := DiscoveryURL(issuer); got != want {
			t.Errorf("%s: %s", issuer, got)
		}
	}
}

// The metadata come first, then the set; a worker that has neither uses the set that
// another one has fetched. When the metadata fail, the old set stays in use.
func TestDiscovery(t *testing.T) {
	is := newIssuer(t, "a")
	source := Source{
		URL: DiscoveryURL("https://id.example"), Cluster: "id.example", Issuer: "https://id.example", KeysHost: "keys.example", KeysCluster: "keys",
		Refresh: time.Minute, MaxStale: time.Hour,
	}
	set, faults := token.NewSet([]token.Key{{Name: "idp", Fetched: true}}, 0, false, gocrypto.Crypto())
	if faults != nil {
		t.Fatal(faults)
	}
	store, now := &memory{}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	first := New(set, []Source{source}, []byte("secret"), store, nil, rand.Reader)
	second := New(set, []Source{source}, []byte("secret"), store, nil, rand.Reader)
	fetches, _ := first.Tick(now)
	if len(fetches) != 1 || fetches[0].URL != source.URL || fetches[0].Cluster != "id.example" {
		t.Fatalf("%+v", fetches)
	}
	// The lease covers both requests.
	if again, _ := second.Tick(now.Add(2*Timeout + time.Second)); len(again) != 0 {
		t.Fatalf("a second worker fetches too: %+v", again)
	}
	e, next := first.Done(fetches[0], Reply{Status: "200", Body: `{"issuer":"https://id.example","jwks_uri":"https://keys.example/k"}`}, now)
	if e != (Event{}) || next == nil || next.URL != "https://keys.example/k" || next.Cluster != "keys" {
		t.Fatalf("%+v %+v", e, next)
	}
	if e, next = first.Done(*next, is.answer(), now); e.Result != Fetched || next != nil {
		t.Fatalf("%+v %+v", e, next)
	}
	var events []Event
	for range 5 { // for the first worker's word
		first.Tick(now)
		_, more := second.Tick(now)
		events = append(events, more...)
	}
	if len(events) != 1 || events[0].Result != Shared {
		t.Fatalf("%+v", events)
	}
	// The next time, the issuer's metadata name another host.
	now = now.Add(time.Minute)
	fetches, _ = first.Tick(now)
	if len(fetches) != 1 || fetches[0].URL != source.URL {
		t.Fatalf("%+v", fetches)
	}
	for _, body := range []string{`{"issuer":"https://id.example","jwks_uri":"https://evil.example/k"}`, `{"issuer":"https://evil.example","jwks_uri":"https://keys.example/k"}`, ``} {
		e, next := first.Done(fetches[0], Reply{Status: "200", Body: body}, now)
		if e.Result != Refused || next != nil || !strings.Contains(e.Text, "metadata: ") || !strings.Contains(e.Text, "the old keys stay in use") {
			t.Errorf("%s: %+v %+v", body, e, next)
		}
	}
	if e, next := first.Done(fetches[0], Reply{Status: "302"}, now); e.Result != Failed || next != nil {
		t.Errorf("%+v %+v", e, next)
	}
	if _, err := first.Set().Verify(is.token(t, "a", now), now); err != nil {
		t.Error(err)
	}
}
