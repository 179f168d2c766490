package cli

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/image"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/spf13/cobra"
)

// meshFlags are those that both meshes have.
type meshFlags struct {
	envoyconf.Mesh
	jwksCA string
}

func (f *meshFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Image, "image", "", "image of the module by its digest, as rulegate image push prints it (required)")
	flags.StringVar(&f.Name, "name", "rulegate", "name of the resources")
	flags.StringVarP(&f.Namespace, "namespace", "n", "default", "namespace of the resources")
	flags.StringVar(&f.Secret, "secret", "rulegate", "name of the Kubernetes Secret with the variables of the policy")
	flags.StringVar(&f.Companion, "companion", "", "URL of the companion, such as http://rulegate-companion.shop.svc:9000; required if a rule queries or calls a webhook")
	flags.IntVar(&f.Trusted, "trusted-hops", 0, "number of proxies in front of the gateway whose x-forwarded-for it trusts")
	flags.StringVar(&f.jwksCA, "jwks-ca", "", "path in the proxy of a PEM file with the CA certificates of the servers in auth.tokens[].jwks.url (default "+envoyconf.SystemCA+")")
}

// kubernetesName is a name of RFC 1123, as Kubernetes takes it.
var kubernetesName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func (f *meshFlags) check() error {
	if f.Image == "" {
		return usagef("want --image, as in --image registry.example/rulegate@sha256:…: rulegate image push prints it")
	}
	if err := image.CheckPinned(f.Image); err != nil {
		return usagef("--image: %w", err)
	}
	for _, n := range []struct{ flag, name string }{{"--name", f.Name}, {"--namespace", f.Namespace}, {"--secret", f.Secret}} {
		if !kubernetesName.MatchString(n.name) {
			return usagef("%s: want a name of Kubernetes, such as rulegate, found %q", n.flag, n.name)
		}
	}
	if f.Companion != "" {
		if err := envoyconf.CheckURL(f.Companion); err != nil {
			return usagef("--companion: %w", err)
		}
	}
	if f.Trusted < 0 {
		return usagef("--trusted-hops: want a number from 0, found %d", f.Trusted)
	}
	return nil
}

// load fills in what the policy says. Its secrets stay variables: a manifest is kept in
// repositories and in the cluster.
func (f *meshFlags) load(cmd *cobra.Command, path string) error {
	file, err := loadFile(path, policy.Options{AllowUnset: true}, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	p := file.policy
	if p.Calls && f.Companion == "" {
		return fmt.Errorf("%s: a rule makes calls: want --companion, as in --companion http://rulegate-companion.%s.svc:9000", path, f.Namespace)
	}
	f.Rules = p
	if f.Policy, f.HostEnv, err = envoyconf.ForModule(file.Doc, envoyconf.Expansion{Getenv: os.LookupEnv, ReadFile: file.ReadFile}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, u := range keyServers(p) {
		f.KeyServer = append(f.KeyServer, envoyconf.Cluster{Name: u.cluster, URL: u.url.String(), CA: f.jwksCA})
	}
	for _, r := range p.Resources() {
		if r.CORS != nil && r.CORS != p.CORS {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: warning: the manifests have the policy's cors only: answer preflights for route %q by the mesh's own resources\n", cmd.CommandPath(), r.Name)
		}
		if r.Idle != 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: warning: the manifests have limits.idle only, not the idle of route %q\n", cmd.CommandPath(), r.Name)
		}
	}
	return nil
}

func newGatewayCommand() *cobra.Command {
	var f meshFlags
	cmd := &cobra.Command{
		Use:   "gateway policy.yaml --image IMAGE --gateway NAME",
		Short: "Print the manifests of Envoy Gateway for a policy",
		Long: `Gateway prints the resources with which Envoy Gateway runs the module on a Gateway: an
EnvoyExtensionPolicy, an EnvoyPatchPolicy and a ClientTrafficPolicy, a SecurityPolicy for the policy's
cors, and an EnvoyProxy with the policy's variables, which come from a Kubernetes Secret. No secret is
in them.`,
		Example: `  rulegate gateway policy.yaml --gateway eg --namespace shop \
    --image "$(rulegate image push registry.example/rulegate:v1 --form oci | cut -f 2)" | kubectl apply -f -`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if !kubernetesName.MatchString(f.Gateway) {
				return usagef("want --gateway with the name of the Gateway, as in --gateway eg, found %q", f.Gateway)
			}
			if err := f.load(cmd, args[0]); err != nil {
				return err
			}
			return writeManifests(cmd, f.Mesh, envoyconf.EnvoyGateway)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.Gateway, "gateway", "", "name of the Gateway (required)")
	cmd.Flags().StringSliceVar(&f.Listeners, "listener", []string{"http"}, "names of the Gateway's listeners")
	return cmd
}

func newIstioCommand() *cobra.Command {
	var f meshFlags
	kind := "gateway"
	cmd := &cobra.Command{
		Use:   "istio policy.yaml --image IMAGE --selector KEY=VALUE",
		Short: "Print the manifest of Istio for a policy",
		Long: `Istio prints an EnvoyFilter with which Istio's proxies run the module: the agent fetches it from
the registry, and the policy comes by config discovery, so that a change is live without a restart.
It also sets what Istio's listeners lack: a timeout for idle streams, buffers above the policy's
limits, and paths that Envoy and the module read alike. The policy's variables come from a Kubernetes
Secret. No secret is in the manifest.`,
		Example: `  rulegate istio policy.yaml --selector istio=ingressgateway --namespace istio-ingress \
    --image registry.example/rulegate@sha256:… | kubectl apply -f -
  rulegate istio policy.yaml --kind sidecar --selector app=orders --namespace shop --image …`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if kind != "gateway" && kind != "sidecar" {
				return usagef("--kind: want gateway or sidecar, found %q", kind)
			}
			f.Sidecar = kind == "sidecar"
			if len(f.Labels) == 0 {
				return usagef("want --selector with a label of the pods, as in --selector istio=ingressgateway: without one, every proxy of the namespace gets the module")
			}
			for _, l := range f.Labels {
				if key, _, ok := strings.Cut(l, "="); !ok || key == "" {
					return usagef("--selector: want KEY=VALUE, found %q", l)
				}
			}
			if err := f.load(cmd, args[0]); err != nil {
				return err
			}
			return writeManifests(cmd, f.Mesh, envoyconf.Istio)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&kind, "kind", kind, "gateway or sidecar: the proxies that get the module")
	cmd.Flags().StringSliceVar(&f.Labels, "selector", nil, "labels of the pods whose proxies get the module, KEY=VALUE (required)")
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions([]string{"gateway", "sidecar"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func writeManifests(cmd *cobra.Command, m envoyconf.Mesh, write func(envoyconf.Mesh) ([]byte, error)) error {
	text, err := write(m)
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}
