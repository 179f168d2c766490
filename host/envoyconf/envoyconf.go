// Package envoyconf builds complete Envoy configurations: the module with a policy
// in front of an upstream, with the settings that the module's decisions depend on.
package envoyconf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"
)

// Config is the input of Build.
type Config struct {
	Admin     string            // host:port or unix:/path; "": no admin interface
	Module    string            // path of the module, as Envoy opens it
	HostEnv   []string          // variables of Envoy's environment that the module can read
	Env       map[string]string // variables for the module, readable in the configuration
	Idle      time.Duration     // idle timeout of a stream; 0 is 30 s
	Listeners []Listener
	Clusters  []Cluster
	// TrustForwarded keeps the clients' headers about an earlier proxy, such as
	// x-forwarded-host: a proxy in front of Envoy sets them.
	TrustForwarded bool
	// Discovery is the path of a file from which Envoy takes the filters, by config
	// discovery, so that a policy can be replaced while Envoy runs: Discovered
	// returns its content. "": the filters are in the configuration.
	Discovery string
	// VM is the id of the VM that the listeners share; "" derives it from the
	// module and the policies. Any plugin with the same id can write the module's
	// shared data.
	VM string
}

// Build returns the configuration.
//
// Errors: an address or URL that Envoy cannot use, two listeners or clusters with
// one name, a listener whose upstream or companion is not among the clusters.
func Build(c Config) (*Bootstrap, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	clusters, err := c.clusters()
	if err != nil {
		return nil, err
	}
	listeners := list{}
	discovers := c.Discovery != ""
	names := map[string]bool{}
	for _, l := range c.Listeners {
		if names[l.Name] {
			return nil, fmt.Errorf("listener %s: twice", l.Name)
		}
		names[l.Name] = true
		all, err := c.listener(l)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, all...)
		discovers = discovers || l.TLS != nil && l.TLS.Secret != ""
	}
	var root object
	if discovers {
		// Envoy wants a name for itself where a part of its configuration comes by
		// discovery.
		root = append(root, field{"node", object{{"id", "rulegate"}, {"cluster", "rulegate"}}})
	}
	if c.Admin != "" {
		addr, err := address(c.Admin)
		if err != nil {
			return nil, fmt.Errorf("admin: %w", err)
		}
		root = append(root, field{"admin", object{{"address", addr}}})
	}
	for i := range c.Listeners {
		if c.Listeners[i].hasPaths() {
			root = append(root, regexLimit())
			break
		}
	}
	root = append(root,
		field{"static_resources", object{{"listeners", listeners}, {"clusters", clusters}}},
		field{"stats_config", statsConfig()},
		field{"overload_manager", overload()},
		field{"memory_allocator_manager", release()},
	)
	return &Bootstrap{root}, nil
}

// complete sets the defaults.
func (c *Config) complete() (err error) {
	if c.Idle == 0 {
		c.Idle = 30 * time.Second
	}
	if c.Module == "" {
		return fmt.Errorf("module: want a path, found none")
	}
	if c.VM == "" {
		c.VM, err = c.vmID()
	}
	return err
}

func (c *Config) clusters() (list, error) {
	out := make(list, len(c.Clusters))
	names := map[string]bool{}
	for i, cl := range c.Clusters {
		if names[cl.Name] {
			return nil, fmt.Errorf("cluster %s: twice", cl.Name)
		}
		names[cl.Name] = true
		o, err := cl.object()
		if err != nil {
			return nil, err
		}
		out[i] = o
	}
	for _, l := range c.Listeners {
		for _, name := range []string{l.Upstream, l.Companion} {
			if name != "" && !names[name] {
				return nil, fmt.Errorf("listener %s: no cluster %q", l.Name, name)
			}
		}
		if err := l.Challenge.check(names); err != nil {
			return nil, fmt.Errorf("listener %s: %w", l.Name, err)
		}
		if l.Upstream == "" {
			return nil, fmt.Errorf("listener %s: want an upstream cluster, found none", l.Name)
		}
	}
	return out, nil
}

// vmID hashes the module (its content, if this machine has the file) and the
// policies, so that a change of either gets a new VM with its own shared data.
func (c *Config) vmID() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q", c.Module)
	if f, err := os.Open(c.Module); err == nil {
		_, err := io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", fmt.Errorf("module: %w", err)
		}
	}
	for _, l := range c.Listeners {
		fmt.Fprintf(h, "%q", l.Policy)
	}
	return "rulegate-" + hex.EncodeToString(h.Sum(nil)[:8]), nil
}
