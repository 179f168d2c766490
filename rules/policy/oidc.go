package policy

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// oidc reads `oidc` of an entry of auth.tokens into k: an issuer whose metadata name its
// JWK set.
func (l *loader) oidc(v value.Value, place string, k *token.Key) {
	at := place
	switch v.Kind() {
	case value.Missing:
		return
	case value.Object:
		at = rules.Join(place, "issuer")
	case value.String:
	default: // schema.Check reports it
		k.Fetched = true
		return
	}
	if k.JWKS != "" || k.Fetched {
		l.fault(place, "there is a jwks already; want one of the two")
		return
	}
	issuer := textOf(v, textOf(v.Key("issuer"), ""))
	if k.Issuer != nil {
		l.fault(rules.Join(Parent(place), "issuer"), "is that of oidc; leave it out")
	}
	k.Fetched, k.Issuer = true, []string{issuer}
	if issuer == "" {
		k.Issuer = nil // schema.Check reports it, or a variable is missing
	}
	s := jwks.Source{
		URL: jwks.DiscoveryURL(issuer), Issuer: issuer, Alg: k.Alg,
		Cluster: textOf(v.Key("cluster"), ""), KeysHost: textOf(v.Key("jwksHost"), ""), KeysCluster: textOf(v.Key("jwksCluster"), ""),
		Refresh: durationOf(v.Key("refresh"), schema.DefaultRefresh), MaxStale: durationOf(v.Key("maxStale"), schema.DefaultMaxStale),
	}
	l.checkRefresh(s, place)
	l.jwksHost(&s, place)
	if issuer != "" && l.known(at) {
		l.oidcServers(&s, place, at)
	}
	l.p.JWKS = append(l.p.JWKS, s)
}

func (l *loader) jwksHost(s *jwks.Source, place string) {
	at := rules.Join(place, "jwksHost")
	if s.KeysHost == "" {
		if s.KeysCluster != "" {
			l.fault(rules.Join(place, "jwksCluster"), "is for a jwksHost")
		}
		return
	}
	if u, err := issuerURL("https://" + s.KeysHost); l.known(at) && (err != nil || u.Host != s.KeysHost) {
		l.fault(at, "want a host, perhaps with a port")
	}
}

// isWellKnown reports whether a path leads to metadata.
func isWellKnown(path string) bool {
	decoded, _ := httpfield.DecodePercent(path)
	return strings.Contains(decoded, "/.well-known/")
}

// oidcServers checks the issuer's name, and fills in the servers that the policy does
// not name.
func (l *loader) oidcServers(s *jwks.Source, place, at string) {
	u, err := issuerURL(s.Issuer)
	switch {
	case err != nil:
		l.fault(at, "%v", err)
		return
	case u.HasQuery:
		l.fault(at, "want the name of an issuer, which has no query")
		return
	case isWellKnown(u.Path):
		l.fault(at, "want the issuer's name, without /.well-known/…")
		return
	}
	if s.Cluster == "" {
		s.Cluster = u.Host
	}
	switch {
	case s.KeysHost == "":
		s.KeysHost, s.KeysCluster = u.Host, s.Cluster
	case s.KeysCluster == "":
		s.KeysCluster = s.KeysHost
	}
	l.checkClusters(*s, place)
}
