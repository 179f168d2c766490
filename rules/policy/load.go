package policy

import (
	"encoding/base64"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// MaxDepth bounds the nesting of a policy file: 60 clauses inside each other,
// and the keys above them.
const MaxDepth = 128

// Options say where a policy is loaded.
type Options struct {
	Getenv   func(string) (string, bool)  // `${NAME}`; nil: nothing is set
	ReadFile func(string) ([]byte, error) // `${file:…}`; nil: not here. Its errors must not hold what it read
	// Module says that what only the companion reads has been left out:
	// databases.*.conn and pool, and webhooks.
	Module bool
	// AllowUnset takes a missing variable for one that will be set elsewhere:
	// it is listed in Policy.Unset, and what needs its value is not checked.
	AllowUnset bool
}

// Warning is what may be meant, but should be looked at.
type Warning struct {
	Place, Message string
}

func (w Warning) Error() string { return rules.Fault{Place: w.Place, Message: w.Message}.Error() }

// Load reads a policy.
//
// Errors: rules.Faults, all there are, in the order of the file; then the
// Policy is nil. No message holds a secret or what a variable or a file stood
// for.
func Load(doc value.Value, o Options) (*Policy, []Warning, error) {
	l := &loader{
		o: o, p: &Policy{}, unset: map[string]bool{}, unsetNames: map[string]bool{},
		written: map[string]string{}, quiet: map[string]bool{},
	}
	if doc.Kind() != value.Object {
		return nil, nil, rules.Faults{{Message: "want an object, found " + doc.Kind().String()}}
	}
	l.doc = l.substitute(doc, nil)
	for _, f := range schema.Check(l.doc) {
		l.add(f)
		l.quiet[f.Place] = true
	}
	l.settings()
	l.tokens()
	l.resources()
	l.companion()
	l.p.Shared = l.sharedSecret()
	if len(l.faults) > 0 {
		inFileOrder(doc, l.faults)
		return nil, nil, l.faults
	}
	for name := range l.unsetNames {
		l.p.Unset = append(l.p.Unset, name)
	}
	sort.Strings(l.p.Unset)
	if !o.Module {
		l.lint()
	}
	return l.p, l.warnings, nil
}

type loader struct {
	o        Options
	doc      value.Value // after substitution
	p        *Policy
	faults   rules.Faults
	warnings []Warning

	quiet      map[string]bool   // places whose faults are known already
	unset      map[string]bool   // places that wait for a variable
	unsetNames map[string]bool   // these variables
	written    map[string]string // strings with a substitution, as they are in the file

	canSign   bool
	providers []string
	stated    []stated // rules, in the file's order
	ruled     int      // rules that were read, with faults too
	firstCall string   // place of the first rule with a query or webhook
}

func (l *loader) fault(place, format string, args ...any) {
	l.add(rules.Fault{Place: place, Message: fmt.Sprintf(format, args...)})
}

func (l *loader) add(f rules.Fault) {
	if !l.quiet[f.Place] && !l.unset[f.Place] {
		l.faults = append(l.faults, f)
	}
}

// broken is a fault after which no other one at the place says anything new.
func (l *loader) broken(place, format string, args ...any) {
	l.fault(place, format, args...)
	l.quiet[place] = true
}

func (l *loader) warn(place, format string, args ...any) {
	if !l.unset[place] {
		l.warnings = append(l.warnings, Warning{place, fmt.Sprintf(format, args...)})
	}
}

// words reads a list of texts, nil where there is none.
func words(v value.Value) (out []string) {
	if v.Kind() != value.Array {
		return nil
	}
	out = []string{}
	v.Each(func(_ string, x value.Value) bool {
		t, _ := x.Text()
		out = append(out, t)
		return true
	})
	return out
}

func textOf(v value.Value, absent string) string {
	if t, ok := v.Text(); ok {
		return t
	}
	return absent
}

func spanOf(v value.Value, absent time.Duration) time.Duration {
	if t, ok := v.Text(); ok {
		d, _ := schema.ParseSpan(t)
		return d
	}
	return absent
}

func intOf(v value.Value, absent int) int {
	if n, ok := schema.SizeOf(v); ok {
		return n
	}
	return absent
}

// settings reads what stands by itself.
func (l *loader) settings() {
	p, doc := l.p, l.doc
	p.Project = textOf(doc.Key("project"), "")
	if err := route.CheckSegment(p.Project); p.Project != "" && err != nil {
		l.fault("project", "%v", err)
	}
	p.Gateway = textOf(doc.Key("gateway"), "")
	limits := doc.Key("limits")
	p.Limits = Limits{
		RequestBody:  intOf(limits.Key("requestBody"), schema.DefaultRequestBody),
		ResponseBody: intOf(limits.Key("responseBody"), schema.DefaultResponseBody),
		Depth:        intOf(limits.Key("depth"), schema.DefaultDepth),
		Calls:        intOf(limits.Key("calls"), schema.DefaultCalls),
		BodyTimeout:  spanOf(limits.Key("bodyTimeout"), schema.DefaultBodyTimeout),
	}
	if p.Limits.BodyTimeout == 0 && !l.quiet["limits.bodyTimeout"] {
		l.fault("limits.bodyTimeout", "want more than 0: no body comes at once")
	}
	if mode, _ := doc.Key("mode").Text(); mode == "shadow" {
		l.fault("mode", "shadow is not built yet; want enforce")
	}
	p.AESKey = l.aesKey(doc.Key("crypto").Key("aesKey"))
	l.webhooks(doc.Key("webhooks"))
}

func (l *loader) aesKey(v value.Value) []byte {
	const place = "crypto.aesKey"
	if v.Kind() == value.Missing {
		return nil
	}
	text, _ := v.Text()
	key, err := base64.StdEncoding.DecodeString(text)
	switch {
	case l.unset[place] || l.quiet[place]:
		return make([]byte, 32) // rules that need one have one
	case err != nil:
		l.fault(place, "not base64 with padding (RFC 4648, section 4)")
		return make([]byte, 32)
	case len(key) != 16 && len(key) != 24 && len(key) != 32:
		l.fault(place, "want 16, 24 or 32 bytes, found %d", len(key))
	}
	return key
}

// companion reads where calls go; the rules are compiled by now.
func (l *loader) companion() {
	v := l.doc.Key("companion")
	p := l.p
	p.Companion = Companion{
		Cluster: textOf(v.Key("cluster"), schema.DefaultCluster),
		Timeout: spanOf(v.Key("timeout"), schema.DefaultTimeout),
	}
	if p.Companion.Timeout == 0 && !l.quiet["companion.timeout"] {
		l.fault("companion.timeout", "want more than 0: without an end the request would wait for ever")
	}
	one, both := v.Key("secret"), v.Key("secrets")
	switch {
	case one.Kind() != value.Missing && both.Kind() != value.Missing:
		l.fault("companion.secrets", "there is a secret already; want one of the two")
	case one.Kind() != value.Missing:
		p.Companion.Secrets = []string{textOf(one, "")}
	case both.Kind() != value.Missing:
		p.Companion.Secrets = words(both)
		if s := p.Companion.Secrets; len(s) == 2 && s[0] == s[1] && !l.unset["companion.secrets[0]"] {
			l.fault("companion.secrets[1]", "the same as the first")
		}
	default:
		l.derivedSecret(v)
	}
}

// derivedSecret takes the primary's secret for the companion's.
func (l *loader) derivedSecret(companion value.Value) {
	if secret := l.p.Tokens.HMACSecret(); secret != "" {
		l.p.Companion.Secrets = []string{secret}
		return
	}
	hasPrimary := false // of HS, though the set has faults of its own
	l.doc.Key("auth").Key("tokens").Each(func(_ string, k value.Value) bool {
		alg, _ := k.Key("alg").Text()
		hasPrimary = hasPrimary || k.Key("primary").IsTrue() && (len(alg) < 2 || alg[:2] == "HS")
		return true
	})
	const help = "want `secret`, or a primary HS key among auth.tokens to derive it from"
	switch {
	case hasPrimary && l.p.Tokens == nil:
	case companion.Kind() == value.Object:
		l.fault("companion.secret", "missing; %s", help)
	case companion.Kind() == value.Missing && l.firstCall != "":
		l.fault("companion", "missing; %s needs it: %s", l.firstCall, help)
	}
}

// sorted is a copy of the list in order, without repetitions.
func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}
