// Command authz decides the policies of the comparison behind Envoy's ext_authz: those in
// Rego by Open Policy Agent, those in Authorino's form by cel-go. The first argument is
// the kind, opa or cel; the second the folder of the comparison.
//
// $LISTEN is its address, $KEYS the key set of the tokens, $DATA the URL of the server
// that knows who follows whom.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	types "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// decider decides by one policy. An error refuses the request.
type decider interface {
	decide(context.Context, *auth.CheckRequest) (decision, error)
}

// decision is the answer of a policy. The zero decision refuses.
type decision struct {
	allow   bool
	status  types.StatusCode  // of a refusal; 0 is 403
	headers map[string]string // for the upstream
}

func main() {
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: authz opa|cel FOLDER")
	}
	load, file := newOPA, "opa.rego"
	if os.Args[1] == "cel" {
		load, file = newCEL, "authorino.yaml"
	}
	files, err := filepath.Glob(filepath.Join(os.Args[2], "*", file))
	if err != nil {
		return err
	}
	s := &server{policies: map[string]decider{}}
	for _, path := range files {
		name := filepath.Base(filepath.Dir(path))
		if name == "shared" {
			continue
		}
		if s.policies[name], err = load(os.Args[2], name); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		return err
	}
	g := grpc.NewServer()
	auth.RegisterAuthorizationServer(g, s)
	return g.Serve(listener)
}

// server decides by the policy that the metadata of the call names.
type server struct {
	auth.UnimplementedAuthorizationServer
	policies map[string]decider
}

func (s *server) Check(ctx context.Context, r *auth.CheckRequest) (*auth.CheckResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	var policy decider
	if names := md.Get("policy"); len(names) == 1 {
		policy = s.policies[names[0]]
	}
	if policy == nil {
		return nil, fmt.Errorf("no policy %q", md.Get("policy"))
	}
	d, err := policy.decide(ctx, r)
	if err != nil {
		return nil, err
	}
	if d.allow {
		ok := &auth.OkHttpResponse{}
		for name, value := range d.headers {
			ok.Headers = append(ok.Headers, &core.HeaderValueOption{
				Header:       &core.HeaderValue{Key: name, Value: value},
				AppendAction: core.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
			})
		}
		return &auth.CheckResponse{Status: &status.Status{Code: int32(codes.OK)}, HttpResponse: &auth.CheckResponse_OkResponse{OkResponse: ok}}, nil
	}
	if d.status == 0 {
		d.status = types.StatusCode_Forbidden
	}
	return &auth.CheckResponse{
		Status:       &status.Status{Code: int32(codes.PermissionDenied)},
		HttpResponse: &auth.CheckResponse_DeniedResponse{DeniedResponse: &auth.DeniedHttpResponse{Status: &types.HttpStatus{Code: d.status}}},
	}, nil
}
