// Command opa is a server for Envoy's ext_authz that embeds Open Policy Agent: a
// contender of the benchmarks. $LISTEN is its address, $KEYS the key set of the
// tokens, $ISSUER their issuer.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	types "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/open-policy-agent/opa/v1/rego"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// policy wants a valid token whose claim role is admin.
const policy = `package bench

default allow := false

allow if {
	token := trim_prefix(input.authorization, "Bearer ")
	[valid, _, claims] := io.jwt.decode_verify(token, {"cert": %q, "iss": %q, "aud": "api"})
	valid
	claims.role == "admin"
}
`

func main() {
	if err := serve(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context) error {
	query, err := rego.New(
		rego.Query("data.bench.allow"),
		rego.Module("bench.rego", fmt.Sprintf(policy, os.Getenv("KEYS"), os.Getenv("ISSUER"))),
	).PrepareForEval(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	auth.RegisterAuthorizationServer(server, &authorizer{query: query})
	return server.Serve(listener)
}

type authorizer struct {
	auth.UnimplementedAuthorizationServer
	query rego.PreparedEvalQuery
}

func (a *authorizer) Check(ctx context.Context, r *auth.CheckRequest) (*auth.CheckResponse, error) {
	input := map[string]any{"authorization": r.GetAttributes().GetRequest().GetHttp().GetHeaders()["authorization"]}
	results, err := a.query.Eval(ctx, rego.EvalInput(input))
	if err != nil {
		return nil, err
	}
	if results.Allowed() {
		return &auth.CheckResponse{Status: &status.Status{Code: int32(codes.OK)}}, nil
	}
	return &auth.CheckResponse{
		Status:       &status.Status{Code: int32(codes.PermissionDenied)},
		HttpResponse: &auth.CheckResponse_DeniedResponse{DeniedResponse: &auth.DeniedHttpResponse{Status: &types.HttpStatus{Code: types.StatusCode_Forbidden}}},
	}, nil
}
