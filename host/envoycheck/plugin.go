package envoycheck

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

// use reads the module's configuration with its policy.
func (c *checker) use(m *manager, at int) *use {
	u := &use{manager: m, at: at, filter: m.filters[at]}
	u.plugin = u.filter.message.get("config")
	if u.policy = c.Policy; u.policy == nil {
		u.policy = c.policyOf(u)
	}
	u.waits = u.policy.Waits()
	return u
}

// policyOf returns the policy in a plugin's configuration; with a finding, one with the
// limits by default.
func (c *checker) policyOf(u *use) *policy.Policy {
	at := u.plugin.get("configuration")
	text, err := policyText(at)
	var doc value.Value
	if err == nil {
		doc, err = value.Parse(text, policy.MaxDepth)
	}
	var p *policy.Policy
	if err == nil {
		p, err = policy.LoadReviewed(doc, policy.Options{Module: true, AllowUnset: true, Crypto: gocrypto.Crypto()})
	}
	if err == nil {
		c.checkVariables(u, p)
		return p
	}
	why := err.Error()
	if faults := (rules.Faults)(nil); errors.As(err, &faults) && len(faults) > 1 {
		why = fmt.Sprintf("%s: %s, and %d more", faults[0].Place, faults[0].Message, len(faults)-1)
	}
	c.add(or(at, u.plugin), "faulty-policy", Error, "the module refuses this policy: "+why,
		"run `rulegate check policy.yaml`, and take the filter of `rulegate envoy policy.yaml --print filter`")
	doc, _ = value.Parse(`{"routes":[]}`, policy.MaxDepth)
	if p, err = policy.LoadReviewed(doc, policy.Options{Module: true}); err != nil {
		return &policy.Policy{}
	}
	return p
}

// policyText returns the text of a policy: Envoy takes a StringValue, a BytesValue and
// a Struct.
func policyText(n *node) (string, error) {
	if n == nil {
		return "", errors.New("there is none")
	}
	message, kind := typed(n)
	v := message.get("value")
	switch kind[strings.LastIndexByte(kind, '.')+1:] {
	case "StringValue":
		return v.string(), nil
	case "BytesValue":
		text, err := base64.StdEncoding.DecodeString(v.string())
		return string(text), err
	case "Struct":
		if v == nil || !v.object {
			return "", errors.New("a Struct without a value")
		}
		text, err := json.Marshal(v.plain())
		return string(text), err
	}
	return "", fmt.Errorf("want a google.protobuf.StringValue, found %q", kind)
}

// checkVariables requires that Envoy hands the policy's variables to the module.
func (c *checker) checkVariables(u *use, p *policy.Policy) {
	at := u.plugin.get("vm_config", "environment_variables")
	for _, name := range p.Unset {
		if at.get("key_values", name) != nil || slices.ContainsFunc(at.get("host_env_keys").all(), func(n *node) bool { return n.text == name }) {
			continue
		}
		c.add(or(at, u.plugin.get("vm_config"), u.plugin), "missing-variable", Error, "the policy reads "+name+", which the module does not see, so it refuses the policy",
			"add "+name+" to vm_config.environment_variables.host_env_keys, and set it in Envoy's environment")
	}
}

// checkPlugin checks the settings of the plugin itself.
func (c *checker) checkPlugin(u *use) {
	held := Warning
	if u.waits {
		held = Error
	}
	if at := u.plugin.get("allow_on_headers_stop_iteration"); !at.isTrue() {
		c.add(or(at, u.plugin), "stop-iteration", held, "Envoy gives no body to the module for a request that the module holds: such requests end in 503 after limits.bodyTimeout",
			"allow_on_headers_stop_iteration: true")
	}
	at := u.plugin.get("failure_policy")
	switch policy := at.string(); {
	case policy == "FAIL_RELOAD" || policy == "3":
	case policy == "FAIL_OPEN" || policy == "2" || at == nil && u.plugin.get("fail_open").isTrue():
		c.add(or(at, u.plugin.get("fail_open")), "failure-policy", Error, "after a crash of the VM every request passes undecided", "failure_policy: FAIL_RELOAD, without fail_open")
	default:
		c.add(or(at, u.plugin), "failure-policy", Warning, "after a crash of the VM every request gets 503 until Envoy is restarted", "failure_policy: FAIL_RELOAD")
	}
	if vm := u.plugin.get("vm_config"); vm.get("vm_id").string() == "" {
		c.add(or(vm.get("vm_id"), vm, u.plugin), "vm-id", Warning, "without a vm_id the module shares its memory with every other plugin that has none, which can write its keys", "vm_id: rulegate-NAME, one that no other plugin has")
	}
}

// checkPolicyNeeds requires the clusters that the policy names.
func (c *checker) checkPolicyNeeds(u *use) {
	if c.dynamic || len(c.clusters) == 0 {
		return
	}
	need := func(name, what string) {
		if name != "" && c.clusters[name] == nil {
			c.add(or(u.plugin.get("configuration"), u.plugin), "missing-cluster", Error,
				fmt.Sprintf("the policy calls the cluster %q (%s), which is not in the configuration: its requests get 503", name, what),
				"add the clusters of `rulegate envoy policy.yaml --print clusters`")
		}
	}
	if u.policy.Calls {
		need(u.policy.Companion.Cluster, "the companion")
	}
	for _, set := range u.policy.JWKS {
		for _, s := range set.Servers() {
			need(s.Cluster, "a key set")
		}
	}
}

// checkVMs looks for other plugins with the vm_id of the module.
func (c *checker) checkVMs(uses []*use) {
	ours := map[string]string{} // code by vm_id
	for _, u := range uses {
		ours[u.plugin.get("vm_config", "vm_id").string()] = codeOf(u.plugin.get("vm_config"))
	}
	for _, l := range append(slices.Clone(c.listeners), c.bootstrap.get("wasm_service"), c.bootstrap.get("bootstrap_extensions")) {
		l.walk(func(n *node) {
			vm := n.get("vm_config")
			id := vm.get("vm_id").string()
			if code, ok := ours[id]; ok && id != "" && vm.object && codeOf(vm) != code {
				c.add(vm.get("vm_id"), "vm-id", Error, "another plugin has the vm_id of rulegate's module, so it can write the module's shared keys", "a vm_id of its own for each module")
			}
		})
	}
}

func codeOf(vm *node) string {
	code := vm.get("code")
	return code.get("local", "filename").string() + code.get("remote", "http_uri", "uri").string() + code.get("remote", "sha256").string()
}
