package policy

import (
	"errors"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// webhooks reads `webhooks`.
func (l *loader) webhooks(v value.Value) {
	l.p.WebhookClient = WebhookClient{
		CA: textOf(v.Key("ca"), ""), Cert: textOf(v.Key("cert"), ""), Key: textOf(v.Key("key"), ""), Pool: poolOf(v.Key("pool")),
	}
	for _, k := range []struct{ name, other string }{{"cert", "key"}, {"key", "cert"}} {
		if v.Key(k.name).Kind() != value.Missing && v.Key(k.other).Kind() == value.Missing {
			l.fault("webhooks."+k.name, "want `%s` beside it", k.other)
		}
	}
	eachIn(v.Key("allow"), "webhooks.allow", func(place string, v value.Value) {
		host := strings.ToLower(textOf(v, ""))
		if host == "" {
			return // schema.Check reports it
		}
		if err := checkWebhookHost(host); err != nil {
			l.fault(place, "%v", err)
		}
		l.p.Webhooks = append(l.p.Webhooks, host)
	})
}

func checkWebhookHost(host string) error {
	name, port := httpfield.SplitPort(host)
	switch {
	case strings.Contains(host, "/"):
		return errors.New("want a host, with or without a port; found a URL or a path")
	case strings.Contains(host, "*"):
		return errors.New("want a host, not a pattern")
	case port != "":
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("not a port")
		}
	case strings.HasSuffix(host, ":"):
		return errors.New("not a port")
	}
	return route.CheckHost(name)
}

// AllowsWebhook reports whether a webhook may call a host and port. The host is
// in lower case, an IPv6 address in brackets; the port is not empty.
func (p *Policy) AllowsWebhook(host, port string) bool {
	for _, entry := range p.Webhooks {
		name, only := httpfield.SplitPort(entry)
		if name == host && (only == "" || only == port) {
			return true
		}
	}
	return false
}

// checkWebhook returns an error when a rule's webhook is not allowed. A URL
// without a port has the port of its scheme, which is not known here, so either
// is enough.
func (l *loader) checkWebhook(hostport string) error {
	if l.o.Module {
		return nil
	}
	host, port := httpfield.SplitPort(strings.ToLower(hostport))
	ports := []string{port}
	if port == "" {
		ports = []string{"443", "80"}
	}
	for _, port := range ports {
		if l.p.AllowsWebhook(host, port) {
			return nil
		}
	}
	return errors.New("the host is not in webhooks.allow")
}
