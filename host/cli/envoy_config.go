package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/rules/policy"
)

// The names of the upstream and of the ACME client in Envoy's configuration.
const (
	upstreamCluster = "upstream"
	acmeCluster     = "acme"
)

// envoyConfig builds the configuration. Variables and a module that are missing
// on this machine are only warnings: Envoy may run on another.
func envoyConfig(path string, f envoyFlags, stderr io.Writer) ([]byte, error) {
	file, err := loadFile(path, policy.Options{AllowUnset: !f.inlineSecrets}, stderr)
	if err != nil {
		return nil, err
	}
	p := file.policy
	if p.Calls && f.companion == "" && f.needsCompanion() {
		return nil, fmt.Errorf("%s: a rule makes calls: want --companion, as in --companion http://127.0.0.1:9000", path)
	}
	text, names, err := envoyconf.ForModule(file.moduleDoc(), envoyconf.Expansion{Inline: f.inlineSecrets, Getenv: os.LookupEnv, ReadFile: file.ReadFile})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.warn(p, names, stderr)
	if f.sds != "" {
		if err := f.writeSecret(); err != nil {
			return nil, fmt.Errorf("--sds: %w", err)
		}
	}
	conf := envoyconf.Config{
		Admin:   f.admin,
		Module:  f.module,
		HostEnv: names,
		Idle:    f.idle,

		TrustForwarded: f.trustForwarded,

		Clusters: f.clusters(p),
		Listeners: []envoyconf.Listener{{
			Name:      "rulegate",
			Address:   f.listen,
			Policy:    text,
			Rules:     p,
			Upstream:  upstreamCluster,
			TLS:       f.serverTLS(),
			Challenge: f.challenge(),
			Buffer:    envoyconf.BufferLimit(p.Limits.RequestBody, p.Limits.ResponseBody),
		}},
	}
	if f.ecds != "" {
		conf.Discovery = filepath.Join(f.ecds, "rulegate.yaml")
		if err := f.writeDiscovery(conf); err != nil {
			return nil, fmt.Errorf("--ecds: %w", err)
		}
	}
	b, err := f.build(conf)
	if err != nil {
		return nil, err
	}
	if f.format == "json" {
		return b.JSON()
	}
	return b.YAML()
}

// writeDiscovery writes the file of --ecds.
func (f *envoyFlags) writeDiscovery(conf envoyconf.Config) error {
	b, err := envoyconf.Discovered(conf)
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if f.inlineSecrets {
		mode = 0o600
	}
	return writeDiscovered(conf.Discovery, b, mode)
}

// writeDiscovered replaces a file that Envoy watches by a rename: Envoy never reads half
// of it, and looks at it again when a file is moved to its folder.
func writeDiscovered(path string, b *envoyconf.Bootstrap, mode os.FileMode) error {
	text, err := b.YAML()
	if err != nil {
		return err
	}
	switch info, err := os.Stat(filepath.Dir(path)); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("want a folder that Envoy can watch: mkdir %s", filepath.Dir(path))
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is no folder", filepath.Dir(path))
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".rulegate-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // fails after the rename
	_, err = part.Write(text)
	if err := errors.Join(err, part.Chmod(mode), part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

// needsCompanion reports whether the part that is printed names the server of the
// companion.
func (f *envoyFlags) needsCompanion() bool { return f.print == "all" || f.print == "clusters" }

// build returns the part of the configuration that --print names. Without --upstream
// it has no cluster for it.
func (f *envoyFlags) build(conf envoyconf.Config) (*envoyconf.Bootstrap, error) {
	switch {
	case f.upstream != "":
	case f.print == "clusters":
		conf.Clusters, conf.Listeners = conf.Clusters[1:], nil
	default:
		conf.Clusters[0].URL = "unix:/unused" // for Build: the part does not contain it
	}
	b, err := envoyconf.Build(conf)
	if err != nil {
		return nil, err
	}
	return b.Part(f.print)
}

// warn prints the conditions under which the configuration would not work. names
// are the variables of the policy.
func (f *envoyFlags) warn(p *policy.Policy, names []string, stderr io.Writer) {
	warn := func(format string, args ...any) {
		fmt.Fprintf(stderr, "rulegate envoy: warning: "+format+"\n", args...)
	}
	for _, name := range names {
		if _, ok := os.LookupEnv(name); !ok {
			warn("%s is not set here; Envoy needs it in its environment", name)
		}
	}
	if f.idle <= p.Limits.BodyTimeout {
		warn("--idle-timeout is not over limits.bodyTimeout, %v: Envoy ends requests that wait for their body before rulegate can log why", p.Limits.BodyTimeout)
	}
	if _, err := os.Stat(f.module); err != nil {
		warn("%s: not found here; Envoy opens this path in the folder that it is started in", f.module)
	}
}

func (f *envoyFlags) clusters(p *policy.Policy) []envoyconf.Cluster {
	all := []envoyconf.Cluster{{
		Name: upstreamCluster, URL: f.upstream,
		CA: f.upstreamCA, Cert: f.upstreamCert, Key: f.upstreamKey, ID: f.upstreamID,
	}}
	if f.companion != "" {
		all = append(all, envoyconf.Cluster{
			Name: p.Companion.Cluster, URL: f.companion,
			CA: f.companionCA, Cert: f.companionCert, Key: f.companionKey, Connect: time.Second,
		})
	}
	if f.acmeUpstream != "" {
		all = append(all, envoyconf.Cluster{Name: acmeCluster, URL: f.acmeUpstream, Connect: time.Second})
	}
	for _, u := range keyServers(p) {
		all = append(all, envoyconf.Cluster{Name: u.cluster, URL: u.url.String(), CA: f.jwksCA})
	}
	return all
}

// keyServer is a server that JWK sets are fetched from.
type keyServer struct {
	cluster string
	url     *url.URL // scheme and host
}

// keyServers lists the servers of a policy's JWK sets, each cluster once.
func keyServers(p *policy.Policy) (out []keyServer) {
	sources := p.JWKS
	if p.Candidate != nil {
		sources = slices.Concat(sources, p.Candidate.Policy.JWKS)
	}
	for _, r := range sources {
		for _, s := range r.Servers() {
			u, err := url.Parse(s.URL)
			if err != nil || slices.ContainsFunc(out, func(k keyServer) bool { return k.cluster == s.Cluster }) {
				continue
			}
			out = append(out, keyServer{s.Cluster, u})
		}
	}
	return out
}
