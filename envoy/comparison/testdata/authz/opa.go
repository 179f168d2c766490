package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/util"
)

// opa is a policy in Rego.
type opa struct{ query rego.PreparedEvalQuery }

func newOPA(folder, name string) (decider, error) {
	runtime, err := ast.InterfaceToValue(map[string]any{"env": map[string]any{"KEYS": os.Getenv("KEYS"), "DATA": os.Getenv("DATA")}})
	if err != nil {
		return nil, err
	}
	query, err := rego.New(
		rego.Query("data."+strings.ReplaceAll(name, "-", "_")),
		rego.Load([]string{filepath.Join(folder, "shared", "opa.rego"), filepath.Join(folder, name, "opa.rego")}, nil),
		rego.Runtime(ast.NewTerm(runtime)),
	).PrepareForEval(context.Background())
	return &opa{query}, err
}

func (o *opa) decide(ctx context.Context, r *auth.CheckRequest) (d decision, err error) {
	input, err := inputOf(r.GetAttributes().GetRequest().GetHttp())
	if err != nil {
		return d, err
	}
	results, err := o.query.Eval(ctx, rego.EvalInput(input))
	if err != nil {
		return d, err
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return d, fmt.Errorf("want one result, found %d", len(results))
	}
	out, _ := results[0].Expressions[0].Value.(map[string]any)
	d.allow, _ = out["allow"].(bool)
	d.headers = map[string]string{}
	headers, _ := out["headers"].(map[string]any)
	for name, v := range headers {
		text, ok := v.(string)
		if !ok {
			return decision{}, fmt.Errorf("header %s: want a string, found %T", name, v)
		}
		d.headers[name] = text
	}
	return d, nil
}

// inputOf returns the members of the input of OPA's plugin for Envoy that the policies
// read, with its rules for bodies: only JSON is parsed, and what cannot be is an error.
func inputOf(r *auth.AttributeContext_HttpRequest) (map[string]any, error) {
	headers := map[string]any{}
	for name, value := range r.GetHeaders() {
		headers[name] = value
	}
	path, _, _ := strings.Cut(r.GetPath(), "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return nil, err
	}
	var parsed []any
	for _, segment := range strings.Split(strings.TrimLeft(path, "/"), "/") {
		parsed = append(parsed, segment)
	}
	var body any
	if text := r.GetBody(); text != "" && strings.Contains(r.GetHeaders()["content-type"], "application/json") {
		if err := util.UnmarshalJSON([]byte(text), &body); err != nil {
			return nil, err
		}
	}
	return map[string]any{
		"attributes": map[string]any{"request": map[string]any{"http": map[string]any{
			"method": r.GetMethod(), "path": r.GetPath(), "host": r.GetHost(), "headers": headers,
		}}},
		"parsed_path": parsed, "parsed_body": body,
	}, nil
}
