package policy

import (
	"errors"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// webhooks reads the hosts that webhook rules may call, and how.
func (l *loader) webhooks(v value.Value) {
	h := &l.p.Hooks
	*h = Hooks{CA: textOf(v.Key("ca"), ""), Cert: textOf(v.Key("cert"), ""), Key: textOf(v.Key("key"), ""), Pool: pool(v.Key("pool"))}
	for name, other := range map[string]string{"cert": "key", "key": "cert"} {
		if v.Key(name).Kind() != value.Missing && v.Key(other).Kind() == value.Missing {
			l.fault("webhooks."+name, "want `%s` beside it", other)
		}
	}
	i := -1
	v.Key("allow").Each(func(_ string, v value.Value) bool {
		i++
		place := rules.Elem("webhooks.allow", i)
		text, _ := v.Text()
		host := strings.ToLower(text)
		if host == "" {
			return true
		}
		if fault := webhookFault(host); fault != "" {
			l.fault(place, "%s", fault)
		}
		l.p.Webhooks = append(l.p.Webhooks, host)
		return true
	})
}

func webhookFault(host string) string {
	name, port := httpfield.SplitPort(host)
	switch {
	case strings.Contains(host, "/"):
		return "want a host, with or without a port; found a URL or a path"
	case strings.Contains(host, "*"):
		return "want a host; patterns are not taken"
	case port != "":
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "not a port"
		}
	case strings.HasSuffix(host, ":"):
		return "not a port"
	}
	if err := route.CheckHost(name); err != nil {
		return err.Error()
	}
	return ""
}

// AllowsWebhook says whether a webhook may go to a host and port, in lower
// case; port is never empty there. IPv6 addresses are in brackets.
func (p *Policy) AllowsWebhook(host, port string) bool {
	for _, entry := range p.Webhooks {
		name, only := httpfield.SplitPort(entry)
		if name == host && (only == "" || only == port) {
			return true
		}
	}
	return false
}

// webhook returns an error when a rule's webhook is not allowed. Without a
// port in the URL it is one of its scheme's.
func (l *loader) webhook(hostport string) error {
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
