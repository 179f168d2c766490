package policy

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// jwks reads the JWK set of a token key into k: its keys, or the URL that it is
// fetched from.
func (l *loader) jwks(v value.Value, place string, k *token.Key) {
	if v.Kind() != value.Object {
		return
	}
	if file := v.Key("file"); file.Kind() != value.Missing {
		l.jwksFile(v, place, k)
		return
	}
	address := v.Key("url")
	if address.Kind() == value.Missing {
		k.JWKS = v.String()
		for _, name := range [...]string{"cluster", "refresh", "maxStale"} {
			if v.Key(name).Kind() != value.Missing {
				l.fault(rules.Join(place, name), "is for a set with a `url`")
			}
		}
		return
	}
	if v.Key("keys").Kind() != value.Missing {
		l.fault(rules.Join(place, "keys"), "there is a `url` already; want one of the two")
	}
	k.Fetched = true
	s := jwks.Source{
		URL:      textOf(address, ""),
		Alg:      k.Alg,
		Cluster:  textOf(v.Key("cluster"), ""),
		Refresh:  durationOf(v.Key("refresh"), schema.DefaultRefresh),
		MaxStale: durationOf(v.Key("maxStale"), schema.DefaultMaxStale),
	}
	l.checkRefresh(s, place)
	if at := rules.Join(place, "url"); l.known(at) {
		u, err := issuerURL(s.URL)
		if err != nil {
			l.fault(at, "%v", err)
		} else {
			if s.Cluster == "" {
				s.Cluster = u.Host
			}
			l.checkClusters(s, place)
		}
	}
	l.p.JWKS = append(l.p.JWKS, s)
}

func (l *loader) checkRefresh(s jwks.Source, place string) {
	if s.Refresh < time.Second {
		l.fault(rules.Join(place, "refresh"), "want 1s to 24h")
	}
}

// jwksFile reads the JWK set of a file. A policy for the module has its keys
// instead.
func (l *loader) jwksFile(v value.Value, place string, k *token.Key) {
	at := rules.Join(place, "file")
	if v.Len() > 1 {
		l.fault(place, "want `file` alone, `url` or `keys`")
	}
	k.Fetched = true // until the file is read: an entry without keys
	path := textOf(v.Key("file"), "")
	if path == "" || !l.known(at) {
		return
	}
	if l.o.ReadFile == nil {
		l.fault(at, "is not read here")
		return
	}
	text, err := l.o.ReadFile(path)
	switch {
	case err != nil:
		l.fault(at, "%v", err)
	case len(text) == 0:
		l.fault(at, "the file is empty")
	default:
		k.JWKS, k.Fetched = string(text), false
	}
}

// checkClusters adds a fault when another server has the same cluster.
func (l *loader) checkClusters(s jwks.Source, place string) {
	var known []jwks.Server
	for _, other := range l.p.JWKS {
		known = append(known, other.Servers()...)
	}
	for i, server := range s.Servers() {
		field := [...]string{"cluster", "jwksCluster"}[i]
		// The first entry with a cluster decides which server it is.
		same := func(other jwks.Server) bool { return other.Cluster == server.Cluster }
		if n := slices.IndexFunc(known, same); n >= 0 && known[n].URL != server.URL {
			l.fault(rules.Join(place, field), "%s is the cluster of %s already", server.Cluster, known[n].URL)
		}
		known = append(known, server)
	}
}

// issuerURL reads the URL of a JWK set.
func issuerURL(text string) (httpfield.URL, error) {
	u, err := httpfield.ParseURL(text)
	switch {
	case err != nil:
		return u, errors.New("want an https or http URL")
	case u.HasUser:
		return u, errors.New("want a URL without a user and a password")
	case u.HasFragment:
		return u, errors.New("want a URL without a fragment")
	}
	return u, route.CheckHost(strings.ToLower(bracketed(u.Hostname())))
}

// bracketed puts an IPv6 address in brackets, as route.CheckHost wants it.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
