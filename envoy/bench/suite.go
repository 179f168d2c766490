package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

const (
	userID = "user-7"
	// several is the number of clients where nothing else is said: enough to keep
	// one worker busy.
	several = 8
)

// suite has the parts that all works share: keys, tokens and a configuration of Envoy.
type suite struct {
	o       *options
	dir     string
	keys    keys
	auth    object // the section of the policies
	keySet  string
	conf    bootstrap
	works   []work
	admin   string // a token that is let through
	guest   string // a token that is not
	helpers map[string]*process
	// addresses of the servers behind Envoy
	upstream, companion, authz, opa string
}

func newSuite(o *options, dir string) (*suite, error) {
	s := &suite{o: o, dir: dir, helpers: map[string]*process{}}
	var err error
	if s.keys, err = newKeys(); err != nil {
		return nil, err
	}
	if s.auth, err = s.keys.policy(); err != nil {
		return nil, err
	}
	if s.keySet, err = s.keys.set(); err != nil {
		return nil, err
	}
	if s.admin, err = s.keys.token(jose.RS256, user{id: userID, role: "admin"}, 0); err != nil {
		return nil, err
	}
	s.guest, err = s.keys.token(jose.RS256, user{id: banned, role: "guest"}, 0)
	return s, err
}

// yesNo returns the requests that most works make.
func (s *suite) yesNo(c contender) contender {
	c.good = get(s.admin)
	c.bad, c.denied = get(s.guest), 403
	c.clients = several
	return c
}

// claim is the rule of most works.
var claim = object{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.role", "f2": "admin"}

// policy is a policy with one rule for every path.
func (s *suite) policy(rule object, response object) object {
	route := object{"match": object{"path": "/"}, "rule": rule}
	if response != nil {
		route["response"] = response
	}
	return object{"project": "bench", "auth": s.auth, "routes": array{route}}
}

// rulegate adds a listener with the filters that `rulegate envoy` writes for a
// policy. Listeners with the same VM share it.
func (s *suite) rulegate(ctx context.Context, name, vm string, policy object, a answer) error {
	text, err := json.Marshal(policy)
	if err != nil {
		return err
	}
	return s.rulegateText(ctx, name, vm, text, nil, a)
}

// rulegateText is rulegate for the text of a policy, with more filters behind it.
func (s *suite) rulegateText(ctx context.Context, name, vm string, text []byte, more array, a answer) error {
	file := filepath.Join(s.dir, name+".yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	args := []string{"envoy", file, "--upstream", "http://127.0.0.1:1", "--module", s.o.module, "--admin", "", "--format", "json", "--inline-secrets"}
	if s.companion != "" {
		args = append(args, "--companion", "http://"+s.companion)
	}
	cmd := exec.CommandContext(ctx, s.o.command, args...)
	out, err := cmd.Output()
	if err != nil {
		faults := ""
		if exit, ok := err.(*exec.ExitError); ok {
			faults = string(exit.Stderr)
		}
		return fmt.Errorf("rulegate envoy %s: %w\n%s", name, err, faults)
	}
	filters, clusters, err := parts(out, vm)
	if err != nil {
		return fmt.Errorf("rulegate envoy %s: %w", name, err)
	}
	for cluster, c := range clusters {
		s.conf.add(cluster, c)
	}
	s.conf.listen(name, append(filters, more...), a)
	return nil
}

// parts takes the filters, without the router, and the cluster of the companion out
// of a configuration of `rulegate envoy`.
func parts(text []byte, vm string) (filters array, clusters map[string]object, err error) {
	var conf struct {
		Static struct {
			Listeners []struct {
				Chains []struct {
					Filters []struct {
						Config struct {
							Filters []object `json:"http_filters"`
						} `json:"typed_config"`
					} `json:"filters"`
				} `json:"filter_chains"`
			} `json:"listeners"`
			Clusters []object `json:"clusters"`
		} `json:"static_resources"`
	}
	if err := json.Unmarshal(text, &conf); err != nil {
		return nil, nil, err
	}
	list := conf.Static.Listeners[0].Chains[0].Filters[0].Config.Filters
	for _, f := range list[:len(list)-1] {
		if f["name"] == "rulegate" {
			plugin := f["typed_config"].(object)["config"].(object)
			plugin["vm_config"].(object)["vm_id"] = vm
		}
		filters = append(filters, f)
	}
	clusters = map[string]object{}
	for _, c := range conf.Static.Clusters {
		if name := c["name"].(string); name == companionCluster || name == socialCompanion {
			clusters[name] = c
		}
	}
	return filters, clusters, nil
}

// stop ends the helpers.
func (s *suite) stop() {
	for _, name := range slices.Sorted(maps.Keys(s.helpers)) {
		s.helpers[name].stop()
	}
}

// wants reports whether a work is to be measured.
func (s *suite) wants(name string) bool { return s.o.wants(name) }
