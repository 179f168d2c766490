package policy

import (
	"net/url"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	defaultRefresh  = 10 * time.Minute
	defaultMaxStale = 24 * time.Hour
)

// jwks reads an entry's JWK set into k: written here, or to be fetched.
func (l *loader) jwks(v value.Value, place string, k *token.Key) {
	keys, address := v.Key("keys"), v.Key("url")
	switch {
	case v.Kind() != value.Object:
		return
	case address.Kind() == value.Missing:
		k.JWKS = v.String()
		for _, name := range [...]string{"cluster", "refresh", "maxStale"} {
			if v.Key(name).Kind() != value.Missing {
				l.fault(rules.Join(place, name), "is for a set with a `url`")
			}
		}
		return
	case keys.Kind() != value.Missing:
		l.fault(rules.Join(place, "keys"), "there is a `url` already; want one of the two")
	}
	k.Fetched = true
	s := jwks.Source{
		URL:      textOf(address, ""),
		Alg:      k.Alg,
		Cluster:  textOf(v.Key("cluster"), ""),
		Refresh:  spanOf(v.Key("refresh"), defaultRefresh),
		MaxStale: spanOf(v.Key("maxStale"), defaultMaxStale),
	}
	if s.Refresh < time.Second {
		l.fault(rules.Join(place, "refresh"), "want 1s to 24h")
	}
	u, fault := issuerURL(s.URL)
	switch at := rules.Join(place, "url"); {
	case l.unset[at] || l.quiet[at]:
	case fault != "":
		l.fault(at, "%s", fault)
	default:
		if s.Cluster == "" {
			s.Cluster = u.Host
		}
		l.oneServer(s, place)
	}
	l.p.Remotes = append(l.p.Remotes, s)
}

// oneServer sees that a cluster is the same server wherever it is named.
func (l *loader) oneServer(s jwks.Source, place string) {
	for _, first := range l.p.Remotes {
		if first.Cluster != s.Cluster {
			continue
		}
		if origin(first.URL) != origin(s.URL) {
			l.fault(rules.Join(place, "cluster"), "%s is that of %s already", s.Cluster, origin(first.URL))
		}
		return
	}
}

// sharedSecret is a secret of the policy's, the first that it has: what the VMs
// of a proxy share is authenticated with a key that is derived from it.
func (l *loader) sharedSecret() []byte {
	if s := l.p.Companion.Secrets; len(s) > 0 {
		return []byte(s[0])
	}
	var secret string
	l.doc.Key("auth").Key("tokens").Each(func(_ string, k value.Value) bool {
		secret = textOf(k.Key("secret"), textOf(k.Key("privateKey"), ""))
		return secret == ""
	})
	if secret != "" {
		return []byte(secret)
	}
	return l.p.AESKey
}

// issuerURL reads the address of a key set.
func issuerURL(text string) (u *url.URL, fault string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "":
		return nil, "want an https or http URL"
	case u.User != nil:
		return nil, "a URL with a user or a password"
	case u.Fragment != "":
		return nil, "a URL with a fragment"
	}
	if err := route.CheckHost(strings.ToLower(bracketed(u))); err != nil {
		return nil, err.Error()
	}
	return u, ""
}

// bracketed is the host as route.CheckHost takes it.
func bracketed(u *url.URL) string {
	if h := u.Hostname(); strings.Contains(h, ":") {
		return "[" + h + "]"
	}
	return u.Hostname()
}

// origin is scheme, host and port (RFC 6454); "" for what is no URL.
func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// lintJWKS warns of keys that whoever is on the way could replace.
func (l *loader) lintJWKS() {
	i := -1
	l.doc.Key("auth").Key("tokens").Each(func(_ string, k value.Value) bool {
		i++
		address, ok := k.Key("jwks").Key("url").Text()
		if u, fault := issuerURL(address); ok && fault == "" && u.Scheme == "http" && !isLoopback(u.Host) {
			l.warn(rules.Elem("auth.tokens", i)+".jwks.url", "without TLS, whoever is on the way can put keys of theirs in the place of the issuer's")
		}
		return true
	})
}
