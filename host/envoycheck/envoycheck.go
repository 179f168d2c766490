// Package envoycheck reads a configuration of Envoy and says what is wrong with it
// around rulegate's filter. It walks the configuration as it is written, not the
// messages of Envoy's API: a finding names a line, and a field that this package does
// not know is none of its business.
package envoycheck

import (
	"cmp"
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules/policy"
)

// Level says how grave a finding is.
type Level string

const (
	// Error: a request is not decided, or decided about something else, or it fails.
	Error Level = "error"
	// Warning: clients or operators notice it.
	Warning Level = "warning"
	// Note: something that cannot be seen here, or that is right for some.
	Note Level = "note"
)

// Finding is one thing that is wrong.
type Finding struct {
	Code  string `json:"code"`
	Level Level  `json:"level"`
	File  string `json:"file"`
	Line  int    `json:"line"` // of the setting, or of the message that lacks it
	Path  string `json:"path"`
	Why   string `json:"why"`
	Fix   string `json:"fix"`
}

// Options say how to check.
type Options struct {
	// Policy is used in place of the policy in the filter's configuration; nil: that.
	Policy *policy.Policy
	Now    time.Time
}

// checker checks one configuration.
type checker struct {
	config
	Options
	findings []Finding
}

// Check returns the findings in a configuration, in its order.
//
// Errors: a text that is no configuration of Envoy.
func Check(file string, data []byte, o Options) ([]Finding, error) {
	root, err := parse(file, data)
	if err != nil {
		return nil, err
	}
	c := &checker{Options: o, config: config{
		clusters: map[string]*node{}, routes: map[string]*node{}, filters: map[string]*node{}, read: map[string]bool{},
	}}
	if err := c.load(root); err != nil {
		return nil, err
	}
	c.check()
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.Compact(c.findings), nil
}

func (c *checker) add(at *node, code string, level Level, why, fix string) {
	if at == nil {
		at = c.root
	}
	path := at.path
	if path == "" {
		path = "."
	}
	c.findings = append(c.findings, Finding{Code: code, Level: level, File: at.file, Line: at.line, Path: path, Why: why, Fix: fix})
}

// or returns the first node that is there.
func or(nodes ...*node) *node {
	for _, n := range nodes {
		if n != nil {
			return n
		}
	}
	return nil
}

// use is the module in a connection manager.
type use struct {
	*manager
	at     int // its index in filters
	filter filter
	plugin *node // PluginConfig
	policy *policy.Policy
	waits  bool // the policy may hold a request
}

func (c *checker) check() {
	managers, proxies := c.chains()
	var uses []*use
	for _, m := range managers {
		for i, f := range m.filters {
			if f.isRulegate() {
				uses = append(uses, c.use(m, i))
			}
		}
	}
	if len(uses) == 0 {
		c.noFilter(managers)
		return
	}
	for _, u := range uses {
		c.checkPlugin(u)
		c.checkPolicyNeeds(u)
		c.checkBuffers(u)
		c.checkPaths(u)
		c.checkIdle(u)
		c.checkAddress(u)
		c.checkBefore(u)
		c.checkAfter(u)
		c.checkRoutes(u)
	}
	c.checkBypass(uses, managers, proxies)
	c.checkVMs(uses)
	c.checkStats()
	c.checkCertificates()
}

// noFilter says where the filter could be.
func (c *checker) noFilter(managers []*manager) {
	if len(managers) == 0 {
		c.add(c.listeners[0], "no-filter", Error, "no listener has an HTTP connection manager, so nothing is decided",
			"add the filters of `rulegate envoy policy.yaml --print filter` to an HTTP connection manager")
		return
	}
	m := managers[0]
	for _, f := range m.filters {
		if f.viaDiscovery && f.kind == "" {
			c.add(f.node, "no-filter", Error, "the filter comes by config discovery and its configuration is not here, so it cannot be told whether it is rulegate's",
				"give this check the admin interface's URL: its dump has the filter")
			return
		}
	}
	c.add(or(m.get("http_filters"), m.node), "no-filter", Error, "no filter is rulegate's: none of type "+wasm+" has rulegate in its name, root_id or file",
		"add the filters of `rulegate envoy policy.yaml --print filter` before the router")
}
