package decide

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// TestClear: after Clear nothing of a request is left, neither in the lists that
// are used again nor behind their ends.
func TestClear(t *testing.T) {
	const canary = "canary"
	e, r := engineOf(t, `{"routes": [{"match": {"path": "/x/{id}"}, "auth": "none", "rule": {"rule": "match", "type": "string", "eval": "==",
		"f1": "args.request.headers[args.params.a]", "f2": "args.request"}}]}`), new(Request)
	for range 2 {
		e.Begin(r, nil, time.Now())
		r.Headers([][2]string{{":method", "GET"}, {":path", "/x/" + canary + "?a=" + canary + "&b=" + canary}, {":authority", "h"}, {"x-canary", canary}, {"content-type", canary}}, true)
		if !found(reflect.ValueOf(r), canary) {
			t.Fatal("the search finds nothing before Clear")
		}
		r.Clear()
		if found(reflect.ValueOf(r), canary) {
			t.Error("a cleared request still holds a part of the last one")
		}
	}
	if cap(r.head.fields) == 0 || cap(r.argsRooms.headers.members) == 0 {
		t.Error("the memory is not kept")
	}
	long := make([][2]string, 2*maxKept)
	for i := range long {
		long[i] = [2]string{"x-" + strings.Repeat("y", i), canary}
	}
	e.Begin(r, nil, time.Now())
	r.Headers(append(long, [2]string{":method", "GET"}, [2]string{":path", "/x/1"}, [2]string{":authority", "h"}), true)
	if r.Clear(); cap(r.head.fields) > maxKept {
		t.Errorf("room for %d fields is kept", cap(r.head.fields))
	}
}

// TestBegin: nothing is left of a request that Passes let through, or that it did not.
func TestBegin(t *testing.T) {
	const canary = "canary"
	e, r := engineOf(t, `{"routes": [{"match": {"path": "/x/{id}"}, "auth": "none", "rule": {"rule": "match", "type": "string", "eval": "==",
		"f1": "args.request.headers[args.params.a]", "f2": "args.request.vars.id"}}]}`), new(Request)
	for _, path := range []string{"/x/canary", "/x/%63anary", "/x/canary-no", "/canary", "/x/canary%"} {
		e.Begin(r, nil, time.Now())
		r.Open([][2]string{{":method", "GET"}, {":path", path + "?a=x-" + canary}, {":authority", canary}, {"x-canary", canary}, {"content-type", canary}}, true)
		_, ok := r.Passes()
		if want := path == "/x/canary" || path == "/x/%63anary"; ok != want {
			t.Fatalf("%s passes: %t", path, ok)
		}
		if !found(reflect.ValueOf(r), canary) {
			t.Fatal("the search finds nothing before Begin")
		}
		e.Begin(r, nil, time.Now())
		if found(reflect.ValueOf(r), canary) {
			t.Errorf("%s: it still holds a part of the last request", path)
		}
	}
}

// TestClearClaims: nothing is left of the claims of a new token, whether the quick way lets
// it through, the general way does, or it is refused.
func TestClearClaims(t *testing.T) {
	const canary = "canary"
	e, r := engineOf(t, `{"auth": {"tokens": [{"alg": "HS256", "secret": "a secret of more than thirty-two bytes", "primary": true}]}, "routes": [
		{"match": {"path": "/claim"}, "rule": {"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.role", "f2": "canary"}},
		{"match": {"path": "/no"}, "rule": {"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.role", "f2": "other"}},
		{"match": {"path": "/changed"}, "rule": {"rule": "force", "field": "args.request.headers.x-role", "value": "args.auth.role"}}]}`), new(Request)
	for i, path := range []string{"/claim", "/no", "/changed", "/claim"} {
		raw, err := e.policy.Tokens.Mint(fmt.Sprintf(`{"role": "canary", "n": %d, "list": ["canary"], "\u0061": "\u0063anary"}`, i), "")
		if err != nil {
			t.Fatal(err)
		}
		e.Begin(r, nil, time.Now())
		r.Open([][2]string{{":method", "GET"}, {":path", path}, {":authority", "h"}, {"authorization", "Bearer " + raw}}, true)
		_, quick := r.Passes()
		if quick != (path == "/claim") {
			t.Fatalf("%s: the quick way: %t", path, quick)
		}
		if !quick {
			if step := r.Decide(); (step.Action == Continue) != (path == "/changed") {
				t.Fatalf("%s: %+v", path, step)
			}
		}
		if !found(reflect.ValueOf(r), canary) {
			t.Fatalf("%s: the search finds nothing before Begin", path)
		}
		e.Begin(r, nil, time.Now())
		if found(reflect.ValueOf(r), canary) {
			t.Errorf("%s: a part of the last claims is left", path)
		}
	}
}

// TestClearResponse: after Clear nothing is left of a response that was rewritten, nor of
// the request that it answers, and the next one gets none of their bytes.
func TestClearResponse(t *testing.T) {
	e, r := engineOf(t, `{"routes": [{"match": {"path": "/x"}, "auth": "none", "rule": {"rule": "and", "clauses": [
		{"rule": "remove", "fields": ["res.a"]}, {"rule": "force", "field": "res.b", "value": "forced"}]}}]}`), new(Request)
	for _, canary := range []string{strings.Repeat("canary", 40), "canary", strings.Repeat("canary", 4000), "canary"} {
		e.Begin(r, nil, time.Now())
		step := r.Headers([][2]string{{":method", "GET"}, {":path", "/x?" + canary}, {":authority", "h"}, {"x-canary", canary}}, true)
		res := step.Response
		res.Headers([][2]string{{":status", "200"}, {"content-type", "application/json"}, {"etag", canary}, {"x-canary", canary}}, false)
		step = res.Body(`[{"a":"` + canary + `","c":"` + canary + `"}]`)
		if want := `[{"c":"` + canary + `","b":"forced"}]`; step.Action != Continue || *step.Changes.Body != want {
			t.Fatalf("got %+v", step)
		}
		if !found(reflect.ValueOf(r), canary) || !found(reflect.ValueOf(res), "forced") {
			t.Fatal("the search finds nothing before Clear")
		}
		r.Clear()
		if found(reflect.ValueOf(r), "canary") || found(reflect.ValueOf(r), "forced") {
			t.Error("a cleared request still holds a part of the last one or of its response")
		}
		if cap(res.room) != maxRoom || len(res.room) != 0 {
			t.Errorf("memory for %d bytes is kept", cap(res.room))
		}
	}
}

// engineOf returns an engine for a policy in JSON.
func engineOf(t *testing.T, text string) *Engine {
	t.Helper()
	doc, err := value.Parse(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := policy.Load(doc, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return New(p, nil)
}

// found reports whether a text is anywhere in v, also between a list's length and
// its capacity. It does not look into the policy.
func found(v reflect.Value, text string) bool {
	switch v.Kind() {
	case reflect.String:
		return strings.Contains(v.String(), text)
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && v.Type() != reflect.TypeFor[*Engine]() && v.Type() != reflect.TypeFor[*policy.Resource]() && found(v.Elem(), text)
	case reflect.Struct:
		for i := range v.NumField() {
			if found(v.Field(i), text) {
				return true
			}
		}
	case reflect.Slice:
		v = v.Slice(0, v.Cap())
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			if found(v.Index(i), text) {
				return true
			}
		}
	}
	return false
}
