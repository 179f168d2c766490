package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	types "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// spec has the members of the spec of Authorino's AuthConfig that the policies use. Another
// member is an error.
type spec struct {
	Authentication map[string]struct {
		JWT *struct {
			IssuerURL string `yaml:"issuerUrl"`
		}
		APIKey *struct {
			Selector struct {
				MatchLabels map[string]string `yaml:"matchLabels"`
			}
		} `yaml:"apiKey"`
		Credentials struct {
			CustomHeader struct{ Name string } `yaml:"customHeader"`
		}
	}
	Metadata map[string]struct {
		HTTP struct {
			URLExpression string `yaml:"urlExpression"`
		}
	}
	Authorization map[string]struct {
		When            []predicate
		PatternMatching struct{ Patterns []predicate } `yaml:"patternMatching"`
	}
	Response struct {
		Success struct {
			Headers map[string]struct {
				Plain struct{ Expression string }
			}
		}
	}
}

type predicate struct{ Predicate string }

// secret is a Secret of Kubernetes with an API key.
type secret struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name   string
		Labels map[string]string
	}
	StringData struct {
		APIKey string `yaml:"api_key"`
	} `yaml:"stringData"`
}

// config is a policy of Authorino's form.
type config struct {
	spec     spec
	secrets  []secret
	verifier *verifier
	programs map[string]cel.Program // by their text
}

func newCEL(folder, name string) (decider, error) {
	c := &config{programs: map[string]cel.Program{}}
	for _, file := range []string{filepath.Join(folder, "shared", "authorino.yaml"), filepath.Join(folder, name, "authorino.yaml")} {
		if err := c.read(file); err != nil {
			return nil, err
		}
	}
	var err error
	if c.verifier, err = newVerifier(os.Getenv("KEYS")); err != nil {
		return nil, err
	}
	return c, c.compile()
}

// read reads a spec, and Secrets after it. An authentication replaces the shared one.
func (c *config) read(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, []byte("{{data}}"), []byte(os.Getenv("DATA")))
	if bytes.Contains(text, []byte("\nauthentication:")) || bytes.HasPrefix(text, []byte("authentication:")) {
		c.spec.Authentication = nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c.spec); err != nil {
		return err
	}
	for {
		var s secret
		switch err := dec.Decode(&s); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		c.secrets = append(c.secrets, s)
	}
}

// compile compiles all expressions. They have Authorino's roots, its library of strings,
// and no types.
func (c *config) compile() error {
	env, err := cel.NewEnv(
		cel.Variable("request", cel.DynType), cel.Variable("auth", cel.DynType),
		ext.Strings(), cel.OptionalTypes(),
	)
	if err != nil {
		return err
	}
	var all []string
	for _, m := range c.spec.Metadata {
		all = append(all, m.HTTP.URLExpression)
	}
	for _, a := range c.spec.Authorization {
		for _, p := range append(a.When, a.PatternMatching.Patterns...) {
			all = append(all, p.Predicate)
		}
	}
	for _, h := range c.spec.Response.Success.Headers {
		all = append(all, h.Plain.Expression)
	}
	for _, text := range all {
		compiled, issues := env.Compile(text)
		if issues.Err() != nil {
			return issues.Err()
		}
		if c.programs[text], err = env.Program(compiled); err != nil {
			return err
		}
	}
	return nil
}

func (c *config) decide(ctx context.Context, r *auth.CheckRequest) (d decision, err error) {
	identity, err := c.identify(r.GetAttributes().GetRequest().GetHttp())
	if err != nil {
		return decision{status: types.StatusCode_Unauthorized}, nil
	}
	metadata := map[string]any{}
	args := func() (map[string]any, error) { return arguments(r, identity, metadata) }
	for name, m := range c.spec.Metadata { // one that fails is missing, as there
		if v, err := c.fetch(ctx, m.HTTP.URLExpression, args); err == nil {
			metadata[name] = v
		}
	}
	in, err := args()
	if err != nil {
		return d, err
	}
	for _, a := range c.spec.Authorization {
		if !c.all(a.When, in) {
			continue
		}
		if !c.all(a.PatternMatching.Patterns, in) {
			return decision{}, nil
		}
	}
	d.headers = map[string]string{}
	for name, h := range c.spec.Response.Success.Headers {
		if v, _, err := c.programs[h.Plain.Expression].Eval(in); err == nil {
			d.headers[name] = fmt.Sprint(v.Value())
		}
	}
	d.allow = true
	return d, nil
}

// all reports whether all predicates are true. One that fails is not.
func (c *config) all(list []predicate, in map[string]any) bool {
	for _, p := range list {
		v, _, err := c.programs[p.Predicate].Eval(in)
		if err != nil || v.Value() != true {
			return false
		}
	}
	return true
}

func (c *config) identify(r *auth.AttributeContext_HttpRequest) (map[string]any, error) {
	for _, a := range c.spec.Authentication {
		if a.JWT != nil {
			token, ok := strings.CutPrefix(r.GetHeaders()["authorization"], "Bearer ")
			if !ok {
				continue
			}
			if claims, err := c.verifier.verify(token, a.JWT.IssuerURL); err == nil {
				return claims, nil
			}
			continue
		}
		key, ok := r.GetHeaders()[a.Credentials.CustomHeader.Name]
		for _, s := range c.secrets {
			if ok && a.APIKey != nil && within(a.APIKey.Selector.MatchLabels, s.Metadata.Labels) && s.StringData.APIKey == key {
				return map[string]any{"metadata": map[string]any{"name": s.Metadata.Name}}, nil
			}
		}
	}
	return nil, errors.New("no identity")
}

func within(some, all map[string]string) bool {
	for k, v := range some {
		if all[k] != v {
			return false
		}
	}
	return len(some) > 0
}

// fetch asks a server, and returns the JSON of its answer whatever the status is.
func (c *config) fetch(ctx context.Context, expression string, args func() (map[string]any, error)) (any, error) {
	in, err := args()
	if err != nil {
		return nil, err
	}
	v, _, err := c.programs[expression].Eval(in)
	if err != nil {
		return nil, err
	}
	address, ok := v.Value().(string)
	if !ok {
		return nil, fmt.Errorf("want a URL, found %v", v.Value())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var out map[string]any
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&out)
	return out, err
}

// arguments returns the authorization JSON, as Authorino makes it, for CEL.
func arguments(r *auth.CheckRequest, identity, metadata map[string]any) (map[string]any, error) {
	h := r.GetAttributes().GetRequest().GetHttp()
	address, err := url.Parse(h.GetPath())
	if err != nil {
		return nil, err
	}
	headers := map[string]any{}
	for name, value := range h.GetHeaders() {
		headers[name] = value
	}
	request, err := structpb.NewStruct(map[string]any{
		"time":   map[string]any{"seconds": float64(r.GetAttributes().GetRequest().GetTime().GetSeconds())},
		"method": h.GetMethod(), "path": h.GetPath(), "url_path": address.Path, "query": address.RawQuery,
		"host": h.GetHost(), "headers": headers, "body": h.GetBody(),
	})
	if err != nil {
		return nil, err
	}
	who, err := structpb.NewStruct(map[string]any{"identity": identity, "metadata": metadata})
	return map[string]any{"request": request, "auth": who}, err
}
