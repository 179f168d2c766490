package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	now  = time.Unix(1_700_000_000, 0)
	body = []byte(`{"calls":[]}`)
	keys = DeriveKeys("new secret", "old secret")
)

// hmacOf is HMAC-SHA256, computed without macKey.
func hmacOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signed signs any text in the place of project, time and body.
func signed(set *keySet, seconds, ticket, text string) string {
	return scheme + " " + seconds + "." + b64.EncodeToString(hmacOf(set.ticket.key, ticket)[:ticketSize]) + "." +
		b64.EncodeToString(hmacOf(set.request.key, text))
}

func TestSignature(t *testing.T) {
	const at = "1700000000"
	set := keys.sets[0]
	text := "\"shop\"\n" + at + "\n"
	good := keys.Sign("shop", body, now)
	if want := signed(set, at, text, text+string(body)); good != want {
		t.Errorf("signature %s, want %s", good, want)
	}
	head, mac := good[:strings.LastIndexByte(good, '.')+1], good[strings.LastIndexByte(good, '.')+1:]
	other := good[:len(good)-1] + string("AB"[good[len(good)-1]&1])
	for _, c := range []struct {
		name      string
		keys      Keys
		project   string
		signature string
		body      string
		at        time.Duration
		good      bool
	}{
		{"as made", keys, "shop", good, "", 0, true},
		{"another body", keys, "shop", good, `{"calls":[] }`, 0, false},
		{"no body", keys, "shop", good, "\x00", 0, false},
		{"another project", keys, "shop2", good, "", 0, false},
		{"of no project, for none", keys, "", keys.Sign("", body, now), "", 0, true},
		{"of no project, for one", keys, "shop", keys.Sign("", body, now), "", 0, false},
		{"of a project, for none", keys, "", good, "", 0, false},
		{"of a project with a line feed, for its first line", keys, "a", keys.Sign("a\"\n1700000000\n", body, now), "", 0, false},
		{"just before its end", keys, "shop", good, "", Life - time.Second, true},
		{"at its end", keys, "shop", good, "", Life, false},
		{"later", keys, "shop", good, "", time.Hour, false},
		{"a clock slightly behind", keys, "shop", good, "", -Skew, true},
		{"a clock far behind", keys, "shop", good, "", -Skew - time.Second, false},
		{"a later time with the same ticket", keys, "shop", strings.Replace(good, at, "1700000001", 1), "", 0, false},
		{"the ticket of a later time", keys, "shop", keys.Sign("shop", body, now.Add(time.Second))[:len(head)] + mac, "", 0, false},
		{"the MAC of a later time", keys, "shop", head + keys.Sign("shop", body, now.Add(time.Second))[len(head):], "", 0, false},

		{"the old secret alone verifies what the new one signed", DeriveKeys("old secret"), "shop", good, "", 0, false},
		{"the old secret's while both are valid", keys, "shop", DeriveKeys("old secret").Sign("shop", body, now), "", 0, true},
		{"the new secret's where it is second", DeriveKeys("old secret", "new secret"), "shop", good, "", 0, true},
		{"the ticket of one secret, the MAC of another", keys, "shop", head + DeriveKeys("old secret").Sign("shop", body, now)[len(head):], "", 0, false},
		{"another secret", DeriveKeys("new secret "), "shop", good, "", 0, false},
		{"no keys", Keys{}, "shop", good, "", 0, false},
		{"keys of an empty secret", DeriveKeys(""), "shop", good, "", 0, false},
		{"signed by the key of seals", keys, "shop", signed(&keySet{ticket: set.ticket, request: set.seal}, at, text, text+string(body)), "", 0, false},
		{"signed by the key of tickets", keys, "shop", signed(&keySet{ticket: set.ticket, request: set.ticket}, at, text, text+string(body)), "", 0, false},
		{"signed by the secret itself", keys, "shop", signed(&keySet{ticket: set.ticket, request: &macKey{key: []byte("new secret")}}, at, text, text+string(body)), "", 0, false},

		{"made by hand", keys, "shop", signed(set, at, text, text+string(body)), "", 0, true},
		{"a time with a sign", keys, "shop", signed(set, "+"+at, text, text+string(body)), "", 0, false},
		{"a time with a zero", keys, "shop", signed(set, "0"+at, text, text+string(body)), "", 0, false},
		{"a time with a blank", keys, "shop", signed(set, " "+at, text, text+string(body)), "", 0, false},
		{"a negative time", keys, "shop", signed(set, "-1", text, text+string(body)), "", -100 * time.Hour, false},
		{"a time beyond 64 bits", keys, "shop", signed(set, "99999999999999999999", text, text+string(body)), "", 0, false},
		{"the largest time", keys, "shop", signed(set, "9223372036854775807", text, text+string(body)), "", 0, false},

		{"of the version before", keys, "shop", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "", 0, false},
		{"without its scheme", keys, "shop", strings.TrimPrefix(good, scheme+" "), "", 0, false},
		{"the scheme in other letters", keys, "shop", strings.ToLower(scheme) + good[len(scheme):], "", 0, false},
		{"without its MAC", keys, "shop", head, "", 0, false},
		{"without a part", keys, "shop", strings.TrimSuffix(head, "."), "", 0, false},
		{"other bits at the end", keys, "shop", other, "", 0, false},
		{"cut short", keys, "shop", good[:len(good)-1], "", 0, false},
		{"padded", keys, "shop", good + "=", "", 0, false},
		{"another part", keys, "shop", good + ".", "", 0, false},
		{"empty", keys, "shop", "", "", 0, false},
		{"the scheme alone", keys, "shop", scheme + " ", "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := body
			if c.body != "" {
				b = []byte(c.body)
			}
			err := c.keys.Check(c.project, c.signature, b, now.Add(c.at))
			if (err == nil) != c.good {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A stranger's signature is refused by its ticket, before the body is read.
func TestStrangersHaveNoTicket(t *testing.T) {
	for name, signature := range map[string]string{
		"another secret":  DeriveKeys("other").Sign("shop", body, now),
		"another project": keys.Sign("other", body, now),
		"a JWT":           "Bearer a.b.c",
	} {
		if s, err := keys.Read("shop", signature, now); err == nil || s.Covers(body) {
			t.Errorf("%s: it is read", name)
		}
	}
	if _, err := keys.Read("shop", "Bearer a.b.c", now); err == nil || !strings.Contains(err.Error(), "of the same release") {
		t.Errorf("another version: %v", err)
	}
}

func TestSignatureOfNoKeysIsEmpty(t *testing.T) {
	if s := (Keys{}).Sign("shop", body, now); s != "" {
		t.Errorf("signature %q", s)
	}
	if (Signature{}).Covers(nil) {
		t.Error("the zero Signature covers a body")
	}
}

// Keys keep state between signatures: that of one must not get into another.
func TestSignaturesSideBySide(t *testing.T) {
	keys := DeriveKeys("new secret", "old secret")
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := range 200 {
				at, body := now.Add(time.Duration(j/50)*time.Second), []byte(strings.Repeat("x", i*j))
				project := []string{"shop", "other"}[j%2]
				s := keys.Sign(project, body, at)
				if err := keys.Check(project, s, body, at); err != nil {
					t.Error(err)
				}
				if err := keys.CheckSeal(s, body, keys.Seal(s, body)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

func TestSeal(t *testing.T) {
	reply := []byte(`{"replies":[]}`)
	request := keys.Sign("shop", body, now)
	seal := keys.Seal(request, reply)
	withKey := func(k *macKey) Keys { return Keys{sets: []*keySet{{seal: k}}} }
	for _, c := range []struct {
		name           string
		keys           Keys
		request, reply string
		seal           string
		good           bool
	}{
		{"as made", keys, request, string(reply), seal, true},
		{"another reply", keys, request, `{"replies":[] }`, seal, false},
		{"the reply to another request", keys, keys.Sign("shop", []byte(`{"calls":[1]}`), now), string(reply), seal, false},
		{"the reply to the same request a second later", keys, keys.Sign("shop", body, now.Add(time.Second)), string(reply), seal, false},
		{"a byte moved from one to the other", keys, request + "{", string(reply[1:]), seal, false},
		{"no seal", keys, request, string(reply), "", false},
		{"no keys", Keys{}, request, string(reply), seal, false},
		{"no keys, no seal", Keys{}, request, string(reply), Keys{}.Seal(request, reply), false},
		{"another secret", DeriveKeys("other"), request, string(reply), seal, false},
		{"a module that knows the old secret alone", DeriveKeys("old secret"), request, string(reply), seal, true},
		{"a module that knows the new secret alone", DeriveKeys("new secret"), request, string(reply), seal, true},
		{"a companion that knows the old secret alone", keys, request, string(reply), DeriveKeys("old secret").Seal(request, reply), true},
		{"among others", keys, request, string(reply), "x,," + seal, true},
		{"among too many", keys, request, string(reply), "a,b,c,d," + seal, false},
		{"cut short", keys, request, string(reply), seal[:42], false},
		{"the request's signature", keys, request, string(reply), request, false},
		{"the request's MAC", keys, request, string(reply), request[strings.LastIndexByte(request, '.')+1:], false},
		{"made with the key of requests", keys, request, string(reply), withKey(keys.sets[0].request).Seal(request, reply), false},
		{"made with the key of tickets", keys, request, string(reply), withKey(keys.sets[0].ticket).Seal(request, reply), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.keys.CheckSeal(c.request, []byte(c.reply), c.seal)
			if (err == nil) != c.good {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestKeysAreHKDF computes RFC 5869 itself: extract with a salt of zeros, expand to
// one block.
func TestKeysAreHKDF(t *testing.T) {
	prk := hmacOf(make([]byte, 32), "new secret")
	for info, got := range map[string][]byte{ticketInfo: keys.sets[0].ticket.key, requestInfo: keys.sets[0].request.key, sealInfo: keys.sets[0].seal.key} {
		if want := hmacOf(prk, info+"\x01"); hex.EncodeToString(got) != hex.EncodeToString(want) {
			t.Errorf("%s: %x, want %x", info, got, want)
		}
	}
	if n := len(keys.sets); n != 2 {
		t.Errorf("%d keys", n)
	}
}

func BenchmarkSign(b *testing.B) {
	body := []byte(strings.Repeat("x", 338))
	b.ReportAllocs()
	for b.Loop() {
		keys.Sign("shop", body, now)
	}
}

func BenchmarkCheckSeal(b *testing.B) {
	reply := []byte(strings.Repeat("x", 60))
	request := keys.Sign("shop", []byte(strings.Repeat("x", 338)), now)
	seal := keys.Seal(request, reply)
	b.ReportAllocs()
	for b.Loop() {
		if err := keys.CheckSeal(request, reply, seal); err != nil {
			b.Fatal(err)
		}
	}
}
