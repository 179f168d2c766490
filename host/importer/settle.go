package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
	"go.yaml.in/yaml/v4"
)

// Settle makes a draft that loads: a rule with a fault becomes a rule that denies, and
// any other part with a fault is left out. Each leaves a question behind. The loaded
// policy is returned.
//
// Errors: a draft that does not load even so.
func (d *Draft) Settle() (*policy.Policy, error) {
	// Each round takes at least one rule or part away.
	for range 10_000 {
		text, err := d.Render()
		if err != nil {
			return nil, err
		}
		p, err := d.load(text)
		var faults *policyfile.Error
		if !errors.As(err, &faults) {
			return p, err
		}
		done := map[string]bool{} // the rules that this round has replaced
		for _, f := range faults.Faults {
			d.giveUp(f.Place, f.Message, done)
		}
		if len(done) == 0 {
			return nil, fmt.Errorf("the policy does not load:\n%w", faults)
		}
	}
	return nil, errors.New("the policy has too many faults")
}

// Load loads the draft as it is.
//
// Errors: *policyfile.Error for its faults.
func (d *Draft) Load() (*policy.Policy, error) {
	text, err := d.Render()
	if err != nil {
		return nil, err
	}
	return d.load(text)
}

func (d *Draft) load(text []byte) (*policy.Policy, error) {
	f, err := policyfile.Parse("policy.yaml", text)
	if err != nil {
		return nil, err
	}
	f.Doc = policyfile.WithZones(f.Doc)
	p, _, err := f.Load(policy.Options{Getenv: d.getenv, ReadFile: noFiles})
	return p, err
}

func (d *Draft) getenv(name string) (string, bool) {
	for _, v := range d.Variables {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}

func noFiles(name string) ([]byte, error) {
	return nil, fmt.Errorf("%s: an imported policy names no files", name)
}

// giveUp replaces the rule around a place by one that denies, or removes the part of
// the policy there, and adds its place to done.
func (d *Draft) giveUp(place, message string, done map[string]bool) {
	sites := d.sites()
	at := place
	for sites[at].node == nil {
		if at == "" {
			d.nameless(place, message, done)
			return
		}
		at = policy.Parent(at)
	}
	root := ""
	for p := at; p != ""; p = policy.Parent(p) {
		// Only in a rule, `rule` is a text: in a route it is an object.
		if TextOf(sites[p].node, "rule") != "" {
			root = p
		}
	}
	if done[root] {
		return
	}
	if s := sites[root]; root != "" && TextOf(s.node, "rule") != "deny" {
		d.deny(s, root, place, message)
		done[root] = true
		return
	}
	for p := at; p != ""; p = policy.Parent(p) {
		if isPart(p) {
			d.leaveOut(sites, p, place, message)
			done[p] = true
			return
		}
	}
}

// nameless gives a policy without a name of the project one: sections need it.
func (d *Draft) nameless(place, message string, done map[string]bool) {
	if place != "project" {
		return
	}
	Ask(Set(d.Policy, "project", Text("project")), "the name of the project, which is in the paths of its API: "+message)
	d.Report.Add(Item{Outcome: ToDecide, Part: place, Reason: message})
	done[place] = true
}

// deny replaces a rule by one that denies, below its old text.
func (d *Draft) deny(s site, root, place, message string) {
	within := strings.TrimPrefix(strings.TrimPrefix(place, root), ".")
	if within != "" {
		within += ": "
	}
	Ask(s.name, "denied until you decide about this rule: "+within+message)
	for _, line := range original(s.node) {
		s.name.HeadComment += "\n#   " + line
	}
	d.Report.Add(Item{Outcome: ToDecide, Part: root, Before: oneLine(flat(s.node)), After: "{rule: deny}", Reason: within + message})
	*s.node = *Object(Text("rule"), Text("deny"))
}

// lists are the keys whose elements or entries are left out one by one.
var lists = []string{"routes", "files", "tokens", "allow", "databases", "collections", "queries", "services", "endpoints", "events"}

// isPart reports whether a place is one of a list, or a section of the policy.
func isPart(place string) bool {
	parent := policy.Parent(place)
	if parent == "" {
		return true
	}
	return slices.Contains(lists, strings.TrimPrefix(strings.TrimPrefix(parent, policy.Parent(parent)), "."))
}

// leaveOut removes a part, and the parts around it that are empty then. The question
// stands above a member of the policy that stays.
func (d *Draft) leaveOut(sites map[string]site, part, place, message string) {
	for {
		s := sites[part]
		Remove(s.container, s.node)
		if len(s.container.Content) > 0 || s.parent == "" {
			above := d.Policy
			if top := sites[topOf(part)]; s.parent != "" {
				above = top.name
			} else if len(d.Policy.Content) > 0 {
				above = d.Policy.Content[0]
			}
			if within := strings.TrimPrefix(strings.TrimPrefix(place, part), "."); within != "" {
				message = within + ": " + message
			}
			Ask(above, part+" is left out: "+message)
			break
		}
		part = s.parent
	}
	d.Report.Add(Item{Outcome: ToDecide, Part: place, Reason: message + "; it is left out"})
}

// topOf is the section of the policy that a place is in.
func topOf(place string) string {
	for policy.Parent(place) != "" {
		place = policy.Parent(place)
	}
	return place
}

// original returns a rule as lines of YAML.
func original(n *yaml.Node) []string {
	text, err := yaml.Dump(n, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil
	}
	var lines []string
	for _, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

func flat(n *yaml.Node) string { return strings.Join(original(n), " ") }
