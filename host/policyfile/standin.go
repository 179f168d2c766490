package policyfile

import (
	"encoding/base64"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

// StandIn is a policy that was compiled by LoadStandIn.
type StandIn struct {
	*policy.Policy
	Options policy.Options
	Missing []string // variables and files that stand-ins replace
	// Warnings are those of the policy, without the ones about its keys if these are
	// stand-ins.
	Warnings []policy.Warning
}

// LoadStandIn compiles a policy for a tool that decides requests with tokens of its
// own, on a machine that need not have the policy's secrets. A variable that is not
// set is replaced by a text that names it, and a key that depends on one, or on a file
// that is not there, by another key.
//
// Errors: as the function Load.
func (f *File) LoadStandIn() (*StandIn, error) {
	o := policy.Options{Getenv: os.LookupEnv, ReadFile: f.ReadFile, Crypto: gocrypto.Crypto()}
	if p, warnings, err := f.Load(o); err == nil {
		return &StandIn{p, o, nil, warnings}, nil
	}
	var missing []string
	note := func(name string) {
		if !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	o.Getenv = func(name string) (string, bool) {
		if text, ok := os.LookupEnv(name); ok {
			return text, true
		}
		note(name)
		return "unset-" + name, true
	}
	o.ReadFile = func(name string) ([]byte, error) {
		data, err := f.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			note(name)
			return []byte("missing-" + name), nil
		}
		return data, err
	}
	original := f.Doc
	defer func() { f.Doc = original }()
	f.Doc = standIns(f.Doc, func(text string) bool {
		names := f.lacking(text)
		for _, name := range names {
			note(name)
		}
		return len(names) > 0
	})
	p, warnings, err := f.Load(o)
	if err != nil {
		return nil, err
	}
	slices.Sort(missing)
	return &StandIn{p, o, missing, slices.DeleteFunc(warnings, aboutKeys)}, nil
}

// aboutKeys reports whether a warning is about the policy's keys.
func aboutKeys(w policy.Warning) bool {
	return strings.HasPrefix(w.Place, "auth.tokens") || strings.HasPrefix(w.Place, "crypto")
}

// lacking lists the variables of a text that are not set, and its files that are not
// there.
func (f *File) lacking(text string) (names []string) {
	for _, p := range policy.Split(text) {
		switch p.Kind {
		case policy.Variable:
			if _, ok := os.LookupEnv(p.Text); !ok {
				names = append(names, p.Text)
			}
		case policy.FileText:
			if _, err := f.ReadFile(p.Text); err != nil {
				names = append(names, p.Text)
			}
		}
	}
	return names
}

// standIns replaces the keys of a policy that lack something.
func standIns(doc value.Value, lacks func(string) bool) value.Value {
	auth := doc.Key("auth")
	if tokens := auth.Key("tokens"); tokens.Kind() == value.Array {
		entries := tokens.Elements()
		for i, e := range entries {
			for _, key := range []string{"publicKey", "privateKey", "secret", "secretBase64", "jwks"} {
				text, _ := e.Key(key).Text()
				if file, ok := e.Key(key).Key("file").Text(); ok {
					text = "${file:" + file + "}"
				}
				if lacks(text) {
					e = withoutKeys(e, i)
					break
				}
			}
			if asked := e.Key("introspect"); asked.Kind() == value.Object {
				if text, _ := asked.Key("clientSecret").Text(); lacks(text) {
					e = e.With("introspect", asked.With("clientSecret", value.Str("a stand-in")))
				}
			}
			entries[i] = e
		}
		doc = doc.With("auth", auth.With("tokens", value.Arr(entries...)))
	}
	if text, _ := doc.Key("crypto").Key("aesKey").Text(); lacks(text) {
		doc = doc.With("crypto", value.Obj(value.Member{Key: "aesKey", Value: value.Str(base64.StdEncoding.EncodeToString(make([]byte, 32)))}))
	}
	if hooks := doc.Key("webhooks"); hooks.Kind() == value.Object {
		doc = doc.With("webhooks", hooks.Without("ca").Without("cert").Without("key"))
	}
	return doc
}

// withoutKeys is an entry of auth.tokens with a key that is no secret.
func withoutKeys(e value.Value, i int) value.Value {
	for _, key := range []string{"publicKey", "privateKey", "secretBase64", "jwks", "kid"} {
		e = e.Without(key)
	}
	name := rules.Elem("auth.tokens", i)
	return e.With("alg", value.Str("HS256")).With("secret", value.Str("a stand-in for the key of "+name))
}
