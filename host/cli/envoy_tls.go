package cli

import (
	"path/filepath"
	"strings"

	"github.com/rulegate/rulegate/host/envoyconf"
)

// checkTLS refuses flags about certificates that do not fit together.
func (f *envoyFlags) checkTLS() error {
	switch {
	case (f.tls.Cert == "") != (f.tls.Key == ""):
		return usagef("--tls-cert and --tls-key: want both or neither")
	case f.tls.Cert == "" && f.tls.ClientCA != "":
		return usagef("--client-ca: want --tls-cert and --tls-key with it: clients show certificates only over TLS")
	case f.tls.ClientCA == "" && f.tls.ClientOptional:
		return usagef("--client-optional: want --client-ca")
	case f.sds != "" && f.tls.Cert == "":
		return usagef("--sds: want --tls-cert and --tls-key with it")
	case (f.acmeListen == "") != (f.acmeUpstream == ""):
		return usagef("--acme-listen and --acme-upstream: want both or neither")
	case f.acmeListen != "" && f.tls.Cert == "":
		return usagef("--acme-listen: want --tls-cert and --tls-key with it")
	case strings.HasPrefix(f.acmeUpstream, "https://"):
		return usagef("--acme-upstream: want http:// or unix:/path, found %q: an ACME client has no certificate yet", f.acmeUpstream)
	case (f.upstreamCert == "") != (f.upstreamKey == ""):
		return usagef("--upstream-cert and --upstream-key: want both or neither")
	case f.upstreamCert+f.upstreamID+f.upstreamCA != "" && !strings.HasPrefix(f.upstream, "https://"):
		return usagef("--upstream-ca, --upstream-cert, --upstream-id: want an https upstream, found %q", f.upstream)
	case (f.companionCert == "") != (f.companionKey == ""):
		return usagef("--companion-cert and --companion-key: want both or neither")
	case f.companionCert != "" && !strings.HasPrefix(f.companion, "https://"):
		return usagef("--companion-cert: want an https companion, found %q", f.companion)
	}
	if f.upstreamID == "" {
		return nil
	}
	if err := envoyconf.CheckID(f.upstreamID); err != nil {
		return usagef("--upstream-id: %w", err)
	}
	return nil
}

// serverTLS returns nil for plain HTTP.
func (f *envoyFlags) serverTLS() *envoyconf.ServerTLS {
	if f.tls.Cert == "" {
		return nil
	}
	return &f.tls
}

// challenge returns nil without --acme-listen.
func (f *envoyFlags) challenge() *envoyconf.Challenge {
	if f.acmeListen == "" {
		return nil
	}
	return &envoyconf.Challenge{Address: f.acmeListen, Upstream: acmeCluster}
}

// writeSecret writes the file of --sds.
func (f *envoyFlags) writeSecret() error {
	f.tls.Secret = filepath.Join(f.sds, "certificate.yaml")
	return writeDiscovered(f.tls.Secret, envoyconf.Secret(f.tls), 0o644)
}
