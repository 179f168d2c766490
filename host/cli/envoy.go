package cli

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

// envoyFlags are what `rulegate envoy` is told beside the policy.
type envoyFlags struct {
	listen, admin          string
	upstream, upstreamCA   string
	companion, companionCA string
	jwksCA                 string
	cert, key              string // shown to the companion
	module, format         string
	inlineSecrets          bool
	idle                   time.Duration

	tls                                   envoyconf.ServerTLS
	upstreamCert, upstreamKey, upstreamID string
}

func newEnvoyCommand() *cobra.Command {
	var f envoyFlags
	cmd := &cobra.Command{
		Use:   "envoy policy.yaml --upstream URL",
		Short: "Print a complete Envoy configuration for a policy",
		Long: `Envoy prints a configuration that starts as it is, with the environment variables that the
policy names: they stay out of the configuration, and the module reads them from Envoy's
environment. Connection strings and webhook hosts are the companion's alone and are left out.`,
		Example: `  rulegate envoy policy.yaml --listen 127.0.0.1:10000 --admin 127.0.0.1:9901 \
    --upstream http://127.0.0.1:8080 --companion http://127.0.0.1:9000 --module rulegate.wasm > envoy.yaml
  envoy -c envoy.yaml

  # Services that know each other by certificates:
  rulegate envoy policy.yaml --listen 0.0.0.0:10000 --tls-cert gw.pem --tls-key gw.key --client-ca ca.pem \
    --upstream https://10.0.0.7:8443 --upstream-ca ca.pem --upstream-cert gw.pem --upstream-key gw.key \
    --upstream-id spiffe://shop.example/orders > envoy.yaml`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			out, err := envoyConfig(args[0], f, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(out)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:10000", "address that Envoy listens on, host:port or unix:/path")
	flags.StringVar(&f.admin, "admin", "127.0.0.1:9901", `address of Envoy's admin interface, "" for none`)
	flags.StringVar(&f.upstream, "upstream", "", "URL of the server behind Envoy: http://, https:// or unix:/path (required)")
	flags.StringVar(&f.upstreamCA, "upstream-ca", "", "certificates that check an https upstream (default "+envoyconf.SystemCA+")")
	flags.StringVar(&f.upstreamCert, "upstream-cert", "", "certificate that Envoy shows an https upstream")
	flags.StringVar(&f.upstreamKey, "upstream-key", "", "key of --upstream-cert")
	flags.StringVar(&f.upstreamID, "upstream-id", "", "URI that the certificate of an https upstream must be for, such as spiffe://shop.example/orders (default: the URL's host)")
	flags.StringVar(&f.tls.Cert, "tls-cert", "", "certificate that Envoy shows its clients; without it, it speaks plain HTTP")
	flags.StringVar(&f.tls.Key, "tls-key", "", "key of --tls-cert")
	flags.StringVar(&f.tls.ClientCA, "client-ca", "", "certificates that check the clients', each of which has to have one; rules find it as args.peer")
	flags.BoolVar(&f.tls.ClientOptional, "client-optional", false, "let clients without a certificate in: args.peer is absent for them")
	flags.StringVar(&f.companion, "companion", "", "URL of `rulegate serve`: http://, https:// or unix:/path; required when a rule queries or calls a webhook")
	flags.StringVar(&f.companionCA, "companion-ca", "", "certificates that check an https companion (default "+envoyconf.SystemCA+")")
	flags.StringVar(&f.cert, "companion-cert", "", "certificate that is shown to an https companion (its --client-ca), as Envoy opens it")
	flags.StringVar(&f.key, "companion-key", "", "the certificate's key")
	flags.StringVar(&f.jwksCA, "jwks-ca", "", "certificates that check the servers of auth.tokens[].jwks.url (default "+envoyconf.SystemCA+")")
	flags.StringVar(&f.module, "module", "rulegate.wasm", "path of the module, as Envoy opens it")
	flags.StringVar(&f.format, "format", "yaml", "yaml or json")
	flags.BoolVar(&f.inlineSecrets, "inline-secrets", false, "write the variables' values into the configuration, for all to read who reach the admin interface")
	flags.DurationVar(&f.idle, "idle-timeout", 30*time.Second, "longest silence on a request, the upstream's included")
	return cmd
}

func (f *envoyFlags) check() error {
	if f.upstream == "" {
		return usagef("want --upstream, as in --upstream http://127.0.0.1:8080")
	}
	for flag, url := range map[string]string{"--upstream": f.upstream, "--companion": f.companion} {
		if url == "" {
			continue
		}
		if err := envoyconf.CheckURL(url); err != nil {
			return usagef("%s: %w", flag, err)
		}
	}
	if (f.cert == "") != (f.key == "") {
		return usagef("--companion-cert, --companion-key: want both or none")
	}
	if secured := strings.HasPrefix(f.companion, "https://"); f.cert != "" && !secured {
		return usagef("--companion-cert: want an https companion, found %q", f.companion)
	}
	for flag, addr := range map[string]string{"--listen": f.listen, "--admin": f.admin} {
		if addr == "" && flag == "--admin" {
			continue
		}
		if err := envoyconf.CheckAddress(addr); err != nil {
			return usagef("%s: %w", flag, err)
		}
	}
	if err := f.checkTLS(); err != nil {
		return err
	}
	if f.format != "yaml" && f.format != "json" {
		return usagef("--format: want yaml or json, found %q", f.format)
	}
	if f.idle <= 0 {
		return usagef("--idle-timeout: want a duration over 0, found %v", f.idle)
	}
	return nil
}

func (f *envoyFlags) checkTLS() error {
	switch {
	case (f.tls.Cert == "") != (f.tls.Key == ""):
		return usagef("--tls-cert and --tls-key: want both or neither")
	case f.tls.Cert == "" && f.tls.ClientCA != "":
		return usagef("--client-ca: clients show certificates to a server that has one: want --tls-cert and --tls-key")
	case f.tls.ClientCA == "" && f.tls.ClientOptional:
		return usagef("--client-optional: want --client-ca")
	case (f.upstreamCert == "") != (f.upstreamKey == ""):
		return usagef("--upstream-cert and --upstream-key: want both or neither")
	case f.upstreamCert+f.upstreamID+f.upstreamCA != "" && !strings.HasPrefix(f.upstream, "https://"):
		return usagef("--upstream-ca, --upstream-cert, --upstream-id: want an https upstream, found %q", f.upstream)
	}
	if f.upstreamID == "" {
		return nil
	}
	if err := envoyconf.CheckID(f.upstreamID); err != nil {
		return usagef("--upstream-id: %w", err)
	}
	return nil
}

// serverTLS is nil for plain HTTP.
func (f *envoyFlags) serverTLS() *envoyconf.ServerTLS {
	if f.tls.Cert == "" {
		return nil
	}
	return &f.tls
}

// envoyConfig builds the configuration. What a generating machine need not have,
// the variables and the module, is a warning.
func envoyConfig(path string, f envoyFlags, stderr io.Writer) ([]byte, error) {
	file, err := loadFile(path, policy.Options{AllowUnset: !f.inlineSecrets}, stderr)
	if err != nil {
		return nil, err
	}
	p := file.policy
	if p.Calls && f.companion == "" {
		return nil, fmt.Errorf("%s: a rule makes calls: want --companion, as in --companion http://127.0.0.1:9000", path)
	}
	text, names, err := envoyconf.ForModule(named(file.Doc, p.Gateway), envoyconf.Expansion{Inline: f.inlineSecrets, Getenv: os.LookupEnv, ReadFile: file.ReadFile})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range names {
		if _, ok := os.LookupEnv(name); !ok {
			fmt.Fprintf(stderr, "rulegate envoy: warning: %s is not set here; Envoy needs it in its environment\n", name)
		}
	}
	if f.idle <= p.Limits.BodyTimeout {
		fmt.Fprintf(stderr, "rulegate envoy: warning: --idle-timeout is not over limits.bodyTimeout, %v: Envoy ends what waits for a body, and nothing says why\n", p.Limits.BodyTimeout)
	}
	if _, err := os.Stat(f.module); err != nil {
		fmt.Fprintf(stderr, "rulegate envoy: warning: %s: not found here; Envoy opens it from where it is started\n", f.module)
	}
	conf := envoyconf.Config{
		Admin:   f.admin,
		Module:  f.module,
		HostEnv: names,
		Idle:    f.idle,
		Clusters: []envoyconf.Cluster{{
			Name: upstreamCluster, URL: f.upstream,
			CA: f.upstreamCA, Cert: f.upstreamCert, Key: f.upstreamKey, ID: f.upstreamID,
		}},
		Listeners: []envoyconf.Listener{{
			Name:     "rulegate",
			Address:  f.listen,
			Policy:   text,
			Upstream: upstreamCluster,
			TLS:      f.serverTLS(),
			Buffer:   envoyconf.BufferLimit(p.Limits.RequestBody, p.Limits.ResponseBody),
		}},
	}
	if f.companion != "" {
		conf.Clusters = append(conf.Clusters, envoyconf.Cluster{
			Name: p.Companion.Cluster, URL: f.companion, CA: f.companionCA, Cert: f.cert, Key: f.key, Connect: time.Second,
		})
	}
	for _, u := range keyServers(p) {
		conf.Clusters = append(conf.Clusters, envoyconf.Cluster{Name: u.cluster, URL: u.url.String(), CA: f.jwksCA})
	}
	b, err := envoyconf.Build(conf)
	if err != nil {
		return nil, err
	}
	if f.format == "json" {
		return b.JSON()
	}
	return b.YAML()
}

// keyServer is a server of key sets.
type keyServer struct {
	cluster string
	url     *url.URL // scheme and host
}

// keyServers lists where a policy's key sets are fetched, each cluster once.
func keyServers(p *policy.Policy) (out []keyServer) {
	for _, r := range p.Remotes {
		u, err := url.Parse(r.URL)
		if err != nil || slices.ContainsFunc(out, func(k keyServer) bool { return k.cluster == r.Cluster }) {
			continue
		}
		out = append(out, keyServer{r.Cluster, &url.URL{Scheme: u.Scheme, Host: u.Host}})
	}
	return out
}

// upstreamCluster is Envoy's name for what is behind it.
const upstreamCluster = "upstream"

// named writes the gateway's name into the policy: the module, in its sandbox,
// cannot ask for the host's.
func named(doc value.Value, gateway string) value.Value {
	if gateway == "" || doc.Key("gateway").Kind() != value.Missing {
		return doc
	}
	return doc.With("gateway", value.Str(gateway))
}
