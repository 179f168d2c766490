package policy

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

// MaxDepth bounds the nesting of a policy file: 60 clauses inside each other,
// and the keys above them.
const MaxDepth = 128

// Options say where a policy is loaded.
type Options struct {
	// Getenv returns the variables of `${NAME}`. Nil: none is set.
	Getenv func(string) (string, bool)
	// ReadFile returns the files of `${file:…}`. Nil: they are faults. Its
	// errors must not hold the content of a file.
	ReadFile func(string) ([]byte, error)
	// Crypto is the cryptography of the platform: that of package gocrypto, but in the
	// module. A token key that needs more is a fault.
	Crypto keys.Crypto
	// Module says that the parts that only the companion reads were removed:
	// databases.*.conn and pool, and webhooks.
	Module bool
	// Candidate says that the policy is another one's candidate: it has none itself.
	Candidate bool
	// AllowUnset accepts missing variables, for a policy that is checked where
	// they are not set. Policy.Unset lists them; values that depend on one are
	// not checked.
	AllowUnset bool
}

// Load loads a policy, with its warnings.
//
// Errors: rules.Faults, all there are, in the order of the file; then the
// Policy is nil. No message holds a secret, or the value of a variable or a
// file.
func Load(doc value.Value, o Options) (*Policy, []Warning, error) {
	l := newLoader(o)
	l.review, l.reviewFile, l.checkCandidate = (*loader).reviewRules, (*loader).reviewSettings, (*loader).readCandidate
	if err := l.load(doc); err != nil {
		return nil, nil, err
	}
	l.p.reviewed = l.reviewed
	if !o.Module {
		l.lint()
	}
	return l.p, l.warnings, nil
}

// LoadReviewed loads a policy that Load has accepted. It skips the review of rules
// that compile, which is for their author, so that the code of the review is not
// part of the module.
//
// Errors: as Load.
func LoadReviewed(doc value.Value, o Options) (*Policy, error) {
	l := newLoader(o)
	if err := l.load(doc); err != nil {
		return nil, err
	}
	return l.p, nil
}

func newLoader(o Options) *loader {
	return &loader{
		o: o, p: &Policy{}, unset: map[string]bool{}, unsetNames: map[string]bool{},
		substituted: map[string]string{}, settled: map[string]bool{}, used: map[string]bool{}, entries: map[string]string{},
		paths: map[string]*Resource{},
	}
}

func (l *loader) load(doc value.Value) error {
	if doc.Kind() != value.Object {
		return rules.Faults{{Message: "want an object, found " + doc.Kind().String()}}
	}
	if f, ok := SpaceCloud(doc); ok {
		return rules.Faults{f}
	}
	l.doc = l.substitute(l.splitParts(l.takeCandidate(l.takeVersion(doc))), nil)
	for _, f := range schema.Check(l.doc) {
		l.settle(f)
	}
	l.checkParts()
	l.readDefines()
	l.settings()
	l.tokens()
	l.readTeams()
	l.resources()
	l.checkDefines()
	if l.reviewFile != nil {
		l.reviewFile(l)
	}
	l.companion()
	l.p.Shared = l.sharedSecret()
	if len(l.faults) > 0 {
		l.inFileOrder()
		return l.faults
	}
	for name := range l.unsetNames {
		l.p.Unset = append(l.p.Unset, name)
	}
	slices.Sort(l.p.Unset)
	return nil
}

// loader is the state of Load. Its methods read one section of the file each,
// report faults, and go on.
type loader struct {
	o        Options
	doc      value.Value // of the main file, after substitution
	parts    []*part     // the included files
	teams    []*team
	p        *Policy
	faults   rules.Faults
	warnings []Warning

	settled     map[string]bool   // places with a fault that makes further ones there useless
	unset       map[string]bool   // places whose value needs a missing variable
	unsetNames  map[string]bool   // the missing variables
	substituted map[string]string // by place: strings with `${…}`, as written in the file

	canSign   bool     // a token key is primary
	providers []string // names of token keys
	// review adds the faults of rules that compile and can only be a mistake. As a
	// field, it is not linked where no code sets it.
	review func(*loader, *Resource, *guarded, ruleSource, defines)
	// reviewFile reads the keys that the module does not need, when all rules are
	// reviewed.
	reviewFile func(*loader)
	// checkCandidate adds the faults of the section `shadow`; nil: it is used as it is.
	checkCandidate func(l *loader, section, doc value.Value) (value.Value, value.Value)
	reviewed       []lint.Resource
	ruleCount      int                  // rules, with and without faults
	defined        []string             // places of named rules
	used           map[string]bool      // places of named rules that a rule uses
	unused         []string             // places of the others
	entries        map[string]string    // places of endpoints and collections
	paths          map[string]*Resource // the first route of each host and path
	firstCall      string               // place of the first rule with a query or webhook
}

func (l *loader) fault(place, format string, args ...any) {
	l.add(rules.Fault{Place: place, Message: lightfmt.Sprintf(format, args...)})
}

//go:noinline
func (l *loader) add(f rules.Fault) {
	if !l.settled[f.Place] && !l.unset[f.Place] {
		l.faults = append(l.faults, f)
	}
}

// settle adds a fault that makes further ones at its place useless.
//
//go:noinline
func (l *loader) settle(f rules.Fault) {
	l.add(f)
	l.settled[f.Place] = true
}

// known reports whether the value at a place was read without a fault, so that
// it can be checked further.
//
//go:noinline
func (l *loader) known(place string) bool { return !l.unset[place] && !l.settled[place] }
