package jwks

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// discoveryPath is where an issuer's metadata is, below its name (OpenID Connect
// Discovery 1.0, section 4).
const discoveryPath = "/.well-known/openid-configuration"

// maxDiscoveryDepth bounds the nesting of the metadata.
const maxDiscoveryDepth = 64

// DiscoveryURL returns the URL of an issuer's metadata.
func DiscoveryURL(issuer string) string { return strings.TrimSuffix(issuer, "/") + discoveryPath }

// KeysURL returns the URL of the JWK set that the metadata of Source.Issuer names.
//
// Errors: another issuer, even by a letter; a set on another host than that of
// KeysHost, or with less security than the metadata have.
func (s *Source) KeysURL(metadata string) (string, error) {
	v, err := value.Parse(metadata, maxDiscoveryDepth)
	if err != nil {
		return "", lightfmt.Errorf("not JSON: %w", err)
	}
	if issuer, _ := v.Key("issuer").Text(); issuer != s.Issuer {
		return "", lightfmt.Errorf("issuer: want %q to the letter, found %q", s.Issuer, lightfmt.Cut(issuer, 100))
	}
	address, ok := v.Key("jwks_uri").Text()
	if !ok {
		return "", errors.New("jwks_uri: missing")
	}
	at, err := httpfield.ParseURL(s.URL)
	if err != nil {
		return "", err
	}
	u, err := httpfield.ParseURL(address)
	if otherScheme := err == httpfield.ErrWeb && u.Host != ""; err != nil && !otherScheme || u.HasUser || u.HasFragment {
		return "", errors.New("jwks_uri: not a URL of a key set")
	}
	switch {
	case u.Scheme != at.Scheme:
		return "", lightfmt.Errorf("jwks_uri: want %s, found %q", at.Scheme, lightfmt.Cut(u.Scheme, 20))
	case withoutPort(u) != withoutPort(httpfield.URL{Scheme: at.Scheme, Host: s.KeysHost}):
		return "", lightfmt.Errorf("jwks_uri: on the host %q, which the policy does not name: set jwksHost if the issuer has its keys there", lightfmt.Cut(u.Host, 100))
	}
	return address, nil
}

// withoutPort returns the host of a URL in lower case, without the scheme's own port.
func withoutPort(u httpfield.URL) string {
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return host
}

// Server is a server that a Source is fetched from.
type Server struct {
	Cluster string // the proxy's name for it
	URL     string // scheme and host
}

// Servers returns the servers of the source: that of its URL, and with an Issuer that of
// its keys.
func (s *Source) Servers() (out []Server) {
	u, err := httpfield.ParseURL(s.URL)
	if err != nil {
		return nil
	}
	out = append(out, Server{s.Cluster, u.Scheme + "://" + strings.ToLower(u.Host)})
	if keys := (Server{s.KeysCluster, u.Scheme + "://" + strings.ToLower(s.KeysHost)}); s.Issuer != "" && keys != out[0] {
		out = append(out, keys)
	}
	return out
}
