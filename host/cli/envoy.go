package cli

import (
	"slices"
	"time"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/spf13/cobra"
)

type envoyFlags struct {
	listen, admin string

	upstream, upstreamCA                  string
	upstreamCert, upstreamKey, upstreamID string

	companion, companionCA      string
	companionCert, companionKey string
	jwksCA                      string
	tls                         envoyconf.ServerTLS
	sds                         string
	acmeListen, acmeUpstream    string
	module, format, print, ecds string
	inlineSecrets               bool
	trustForwarded              bool
	idle                        time.Duration
}

// envoyFormats are those of --format.
var envoyFormats = []string{"yaml", "json"}

func newEnvoyCommand() *cobra.Command {
	var f envoyFlags
	cmd := &cobra.Command{
		Use:   "envoy policy.yaml --upstream URL",
		Short: "Print an Envoy configuration for a policy, complete or in parts",
		Long: `Envoy prints a configuration that Envoy starts with. The values of the environment variables
that the policy names stay out of it: the module reads them from Envoy's environment. Connection
strings and webhook hosts stay out of it too, because only the companion uses them.

With --ecds, the filter with the policy is in a file of that folder, and Envoy takes a new policy
without a restart when the same command has replaced the file. It refuses a faulty policy and keeps
the one before. The rest of the configuration is printed: if it has changed too, restart Envoy.

With --sds, Envoy takes the certificate of --tls-cert by secret discovery (SDS): when a renewal has
replaced the file by a rename, Envoy reads it and its key again, without a restart. If the two do not
fit, it keeps the old ones. --acme-listen adds a plain listener for the challenges of an ACME server
such as Let's Encrypt. The policy decides there too, so it needs a route for them. They go to the
ACME client at --acme-upstream; Envoy redirects all other requests that the policy lets through.

For a configuration of your own, --print prints one part: filter (the HTTP filters to put before the
router), clusters (of the companion and of the key sets; of the upstream with --upstream), listener,
stats. The parts filter and stats need no --upstream.`,
		Example: `  rulegate envoy policy.yaml --listen 127.0.0.1:10000 --admin 127.0.0.1:9901 \
    --upstream http://127.0.0.1:8080 --companion http://127.0.0.1:9000 --module rulegate.wasm > envoy.yaml
  envoy -c envoy.yaml
  # Mutual TLS with clients and upstream:
  rulegate envoy policy.yaml --listen 0.0.0.0:10000 --tls-cert gw.pem --tls-key gw.key --client-ca ca.pem \
    --upstream https://10.0.0.7:8443 --upstream-ca ca.pem --upstream-cert gw.pem --upstream-key gw.key \
    --upstream-id spiffe://shop.example/orders > envoy.yaml
  # A certificate of Let's Encrypt, with its key in the same file, which a renewal replaces:
  rulegate envoy policy.yaml --listen 0.0.0.0:443 --tls-cert /etc/envoy/tls/shop.pem --tls-key /etc/envoy/tls/shop.pem \
    --sds /etc/envoy/rulegate --acme-listen 0.0.0.0:80 --acme-upstream http://127.0.0.1:8402 \
    --upstream http://127.0.0.1:8080 > envoy.yaml
  # A policy that can be replaced while Envoy runs:
  rulegate envoy policy.yaml --upstream http://127.0.0.1:8080 --ecds /etc/envoy/rulegate > envoy.yaml
  # The filters, for a configuration of your own:
  rulegate envoy policy.yaml --print filter --module /etc/envoy/rulegate.wasm`,
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
	f.register(cmd)
	cmd.AddCommand(newEnvoyCheckCommand())
	return cmd
}

func (f *envoyFlags) register(cmd *cobra.Command) {
	const systemCA = " (default " + envoyconf.SystemCA + ")"
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:10000", "address that Envoy listens on, host:port or unix:/path")
	flags.StringVar(&f.admin, "admin", "127.0.0.1:9901", `address of Envoy's admin interface, "" for none`)
	flags.StringVar(&f.upstream, "upstream", "", "URL of the server behind Envoy: http://, https:// or unix:/path (required)")
	flags.StringVar(&f.upstreamCA, "upstream-ca", "", "PEM file with the CA certificates of an https upstream"+systemCA)
	flags.StringVar(&f.upstreamCert, "upstream-cert", "", "PEM file with Envoy's certificate for an https upstream")
	flags.StringVar(&f.upstreamKey, "upstream-key", "", "PEM file with the key of --upstream-cert")
	flags.StringVar(&f.upstreamID, "upstream-id", "", "URI in the certificate of an https upstream, such as spiffe://shop.example/orders (default: the URL's host)")
	flags.StringVar(&f.tls.Cert, "tls-cert", "", "PEM file with Envoy's certificate for clients; without it, Envoy speaks plain HTTP")
	flags.StringVar(&f.tls.Key, "tls-key", "", "PEM file with the key of --tls-cert")
	flags.StringVar(&f.tls.ClientCA, "client-ca", "", "PEM file with the CA certificates of clients: each client must have a certificate of theirs, which rules read as args.peer")
	flags.BoolVar(&f.tls.ClientOptional, "client-optional", false, "accept clients without a certificate too; args.peer is missing for them")
	flags.StringVar(&f.sds, "sds", "", "write the names of --tls-cert and --tls-key to certificate.yaml in this `folder`, as Envoy opens it: Envoy reads both again when --tls-cert is replaced by a rename")
	flags.StringVar(&f.acmeListen, "acme-listen", "", "address of a plain listener for the challenges of an ACME server, which asks port 80; it redirects other requests to --listen")
	flags.StringVar(&f.acmeUpstream, "acme-upstream", "", "URL of the ACME client that answers the challenges, such as certbot: http:// or unix:/path")
	flags.StringVar(&f.companion, "companion", "", "URL of the companion (rulegate serve): http://, https:// or unix:/path; required if a rule queries or calls a webhook")
	flags.StringVar(&f.companionCA, "companion-ca", "", "PEM file with the CA certificates of an https companion"+systemCA)
	flags.StringVar(&f.companionCert, "companion-cert", "", "PEM file with Envoy's certificate for an https companion (for its --client-ca)")
	flags.StringVar(&f.companionKey, "companion-key", "", "PEM file with the key of --companion-cert")
	flags.StringVar(&f.jwksCA, "jwks-ca", "", "PEM file with the CA certificates of the servers in auth.tokens[].jwks.url"+systemCA)
	flags.StringVar(&f.module, "module", "rulegate.wasm", "path of the module, as Envoy opens it")
	flags.StringVar(&f.format, "format", "yaml", "yaml or json")
	flags.StringVar(&f.print, "print", "all", "part to print: all, filter, clusters, listener or stats")
	flags.StringVar(&f.ecds, "ecds", "", "write the filter to rulegate.yaml in this `folder`, as Envoy opens it, from which Envoy takes it by config discovery")
	flags.BoolVar(&f.inlineSecrets, "inline-secrets", false, "write the values of variables into the configuration, which everybody who reaches the admin interface can read")
	flags.BoolVar(&f.trustForwarded, "trust-forwarded", false, "keep the headers forwarded, x-forwarded-host, -port, -prefix, x-real-ip, x-original-url and x-rewrite-url of clients: a proxy in front of Envoy sets them")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(envoyFormats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("print", cobra.FixedCompletions(envoyconf.Parts, cobra.ShellCompDirectiveNoFileComp))
	flags.DurationVar(&f.idle, "idle-timeout", 30*time.Second, "end a request that rulegate holds after this long without data; limits.idle of the policy is for requests that were let through")
}

func (f *envoyFlags) check() error {
	if !slices.Contains(envoyconf.Parts, f.print) {
		return usagef("--print: want all, filter, clusters, listener or stats, found %q", f.print)
	}
	if f.upstream == "" && (f.print == "all" || f.print == "listener") {
		return usagef("want --upstream, as in --upstream http://127.0.0.1:8080")
	}
	for _, u := range []struct{ flag, url string }{{"--upstream", f.upstream}, {"--companion", f.companion}, {"--acme-upstream", f.acmeUpstream}} {
		if u.url == "" {
			continue
		}
		if err := envoyconf.CheckURL(u.url); err != nil {
			return usagef("%s: %w", u.flag, err)
		}
	}
	for _, a := range []struct{ flag, address string }{{"--listen", f.listen}, {"--admin", f.admin}, {"--acme-listen", f.acmeListen}} {
		if a.address == "" && a.flag != "--listen" {
			continue
		}
		if err := envoyconf.CheckAddress(a.address); err != nil {
			return usagef("%s: %w", a.flag, err)
		}
	}
	if err := f.checkTLS(); err != nil {
		return err
	}
	if err := checkFormat(f.format, envoyFormats); err != nil {
		return err
	}
	if f.idle <= 0 {
		return usagef("--idle-timeout: want a duration over 0, found %v", f.idle)
	}
	return nil
}
