package wire

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Nonces are read several at a time. None is given out twice, whether its block is new or not.
func TestNoNonceComesTwice(t *testing.T) {
	calls := []rules.Call{{ID: "1", Kind: rules.Query, DB: "d", Col: "c"}}
	var n Nonces
	var body []byte
	seen := map[string]bool{}
	for range 100 {
		var err error
		if body, err = n.Append(body[:0], calls, ""); err != nil {
			t.Fatal(err)
		}
		v, err := value.Parse(string(body), 10)
		if err != nil {
			t.Fatal(err)
		}
		nonce, _ := v.Key("nonce").Text()
		if len(nonce) != 2*nonceSize || strings.Trim(nonce, "0") == "" || seen[nonce] {
			t.Fatalf("nonce %q of %d", nonce, len(seen))
		}
		seen[nonce] = true
	}
}

// What Append writes does not depend on the memory that it is given.
func TestAppendUsesMemoryAgain(t *testing.T) {
	var n Nonces
	long := []rules.Call{{ID: "1", Kind: rules.Query, DB: "d", Col: strings.Repeat("secret", 100)}}
	body, err := n.Append(nil, long, "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := n.Append(body[:0], []rules.Call{{ID: "2", Kind: rules.Query, DB: "d", Col: "c"}}, "")
	if err != nil || &again[0] != &body[0] {
		t.Fatalf("error %v, or other memory", err)
	}
	const want = `{"calls":[{"id":"2","kind":"query","db":"d","col":"c"}],"nonce":"`
	if text := string(again); !strings.HasPrefix(text, want) || len(text) != len(want)+2*nonceSize+2 {
		t.Errorf("found %s", text)
	}
}

// A header of a webhook may have any name that HTTP allows.
func TestHeadersOfWebhooks(t *testing.T) {
	call := rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: value.NullValue, Headers: [][2]string{{"a", `1"`}, {"b{", "2"}, {"c", "3"}}}
	body, err := Encode([]rules.Call{call}, "gw")
	if err != nil || !strings.Contains(string(body), `"gateway":"gw","headers":{"a":"1\"","b{":"2","c":"3"},"body":null`) {
		t.Errorf("%s, %v", body, err)
	}
}
