// Command filters prints the rbac filters that Istio's control plane makes of the
// AuthorizationPolicies on its standard input, each as a line of YAML for envoy/imports.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	authorization "istio.io/api/security/v1beta1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/security/authz/builder"
	"istio.io/istio/pilot/pkg/security/trustdomain"
	"istio.io/istio/pkg/config/schema/gvk"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	configs, others, err := crd.ParseInputs(string(text))
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return fmt.Errorf("%d documents are no resources of Istio", len(others))
	}
	var all model.AuthorizationPoliciesResult
	for _, c := range configs {
		if c.GroupVersionKind != gvk.AuthorizationPolicy {
			continue
		}
		p := model.AuthorizationPolicy{Name: c.Name, Namespace: c.Namespace, Annotations: c.Annotations, Spec: c.Spec.(*authorization.AuthorizationPolicy)}
		switch p.Spec.Action {
		case authorization.AuthorizationPolicy_DENY:
			all.Deny = append(all.Deny, p)
		case authorization.AuthorizationPolicy_ALLOW:
			all.Allow = append(all.Allow, p)
		default:
			return fmt.Errorf("%s: want ALLOW or DENY", c.Name)
		}
	}
	b := builder.New(trustdomain.NewBundle("cluster.local", nil), nil, all, builder.Option{})
	if b == nil {
		return errors.New("no AuthorizationPolicy")
	}
	for _, f := range b.BuildHTTP() {
		message, err := protojson.Marshal(f)
		if err != nil {
			return err
		}
		var line bytes.Buffer
		if err := json.Compact(&line, message); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "- %s\n", &line); err != nil {
			return err
		}
	}
	return nil
}
