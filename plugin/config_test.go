package main

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	tokenkeys "github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

// structOf encodes an object as a google.protobuf.Struct.
func structOf(v value.Value) string {
	var b strings.Builder
	v.Each(func(key string, x value.Value) bool {
		b.WriteString(entry(key, valueOf(x)))
		return true
	})
	return b.String()
}

func valueOf(v value.Value) string {
	switch v.Kind() {
	case value.Object:
		return field(tagStruct, structOf(v))
	case value.Array:
		var b strings.Builder
		v.Each(func(_ string, x value.Value) bool {
			b.WriteString(field(tagField, valueOf(x)))
			return true
		})
		return field(tagList, b.String())
	case value.String:
		s, _ := v.Text()
		return field(tagString, s)
	case value.Number:
		f, _ := strconv.ParseFloat(v.String(), 64)
		return number(f)
	case value.Bool:
		if v.IsTrue() {
			return "\x20\x01"
		}
		return "\x20\x00"
	}
	return "\x08\x00"
}

const config = `{
	"project": "shop",
	"auth": {"tokens": [{"alg": "HS256", "secret": "${PLUGIN_TEST_SECRET}", "primary": true}], "forward": true},
	"limits": {"calls": 3},
	"routes": [{"name": "x", "match": {"methods": ["GET"], "path": "/x"}, "rule": {"rule": "match", "type": "number", "eval": "in", "f1": "args.auth.n", "f2": [1, 2.5]}}]
}`

func TestLoad(t *testing.T) {
	t.Setenv("PLUGIN_TEST_SECRET", "a secret of more than thirty-two bytes")
	doc, err := value.Parse(config, 64)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"text":                      config,
		"text after a line end":     "\n" + config,
		"google.protobuf.Struct":    structOf(doc),
		"text with many line ends":  strings.ReplaceAll(config, " ", "\n\n"),
		"a tab in front, then text": "\t" + config,
	} {
		p, err := load([]byte(data), tokenkeys.Crypto{})
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case p.Project != "shop" || p.Limits.Calls != 3 || len(p.Resources()) != 1:
			t.Errorf("%s: got %+v", name, p)
		}
	}
}

func TestLoadRefused(t *testing.T) {
	t.Setenv("PLUGIN_TEST_SECRET", "a secret of more than thirty-two bytes")
	broken := strings.NewReplacer(`"in"`, `"near"`, `"GET"`, `"G T"`).Replace(config)
	doc, err := value.Parse(broken, 64)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"nothing":                    "",
		"no JSON":                    "project: shop",
		"cut short":                  config[:len(config)-1],
		"more than one":              config + config,
		"a repeated key":             `{"project": "a", "project": "b"}`,
		"a Struct cut short":         structOf(doc)[:20],
		"a repeated key in a Struct": entry("project", field(tagString, "a")) + entry("project", field(tagString, "b")),
		"an integer beyond 2^53":     entry("limits", field(tagStruct, entry("calls", number(1<<60)))),
		"an unset variable":          strings.Replace(config, "PLUGIN_TEST_SECRET", "PLUGIN_TEST_NOTHING", 1),
	} {
		if _, err := load([]byte(data), tokenkeys.Crypto{}); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	for _, data := range []string{broken, structOf(doc)} {
		_, err := load([]byte(data), tokenkeys.Crypto{})
		var faults rules.Faults
		if !errors.As(err, &faults) || len(faults) != 2 {
			t.Errorf("want two faults, got %v", err)
		}
	}
}

func TestAuthority(t *testing.T) {
	for cluster, want := range map[string]string{
		"rulegate-companion":                                "rulegate-companion",
		"outbound|9000||companion.shop.svc.cluster.local":   "companion.shop.svc.cluster.local",
		"outbound|9000|v1|companion.shop.svc.cluster.local": "companion.shop.svc.cluster.local",
	} {
		if got := authority(cluster); got != want {
			t.Errorf("%s: want %s, found %s", cluster, want, got)
		}
	}
}
