package envoyconf

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Expansion says how ForModule treats `${…}`. Everybody who reaches Envoy's admin
// interface can read the configuration with the policy.
type Expansion struct {
	// Inline expands everything, secrets too. Otherwise `${NAME}` stays for the
	// module to resolve, and `${file:…}` is expanded in public keys only.
	Inline   bool
	Getenv   func(string) (string, bool)
	ReadFile func(string) ([]byte, error)
}

// ForModule returns the policy for the module, without the private keys, connection
// strings, pools, webhook hosts and secrets of clients of issuers, which only the
// companion uses. names are the variables
// that it refers to, sorted.
//
// Errors: rules.Faults with every reference that must not or cannot be resolved.
func ForModule(doc value.Value, e Expansion) (text string, names []string, err error) {
	w := walker{Expansion: e}
	out := w.document(doc.Without("shadow"))
	if section := doc.Key("shadow"); section.Kind() != value.Missing {
		out = out.With("shadow", w.candidate(section))
	}
	if len(w.faults) > 0 {
		return "", nil, w.faults
	}
	slices.Sort(w.names)
	return out.String(), slices.Compact(w.names), nil
}

// document rewrites a policy without its candidate.
func (w *walker) document(doc value.Value) value.Value {
	out := w.value(w.privateKeys(w.keySets(withoutCompanion(doc))), "")
	if doc.Kind() == value.Object && doc.Key("version").Kind() == value.Missing {
		out = out.With("version", value.Str(policy.VersionOf(doc)))
	}
	return out
}

// candidate rewrites the section `shadow`. The faults of the candidate are at places of
// its file.
func (w *walker) candidate(section value.Value) value.Value {
	before := len(w.faults)
	out := section.With("policy", w.document(section.Key("policy")))
	file, _ := section.Key("file").Text()
	for i := range w.faults[before:] {
		f := &w.faults[before+i]
		f.Place = file + ": " + f.Place
	}
	return out
}

// withoutCompanion removes the values that only the companion may have.
func withoutCompanion(doc value.Value) value.Value {
	if dbs := doc.Key("databases"); dbs.Kind() == value.Object {
		dbs.Each(func(name string, db value.Value) bool {
			dbs = dbs.With(name, db.Without("conn").Without("pool"))
			return true
		})
		doc = doc.With("databases", dbs)
	}
	doc = withoutSecrets(doc)
	hooks := doc.Key("webhooks")
	for _, name := range []string{"allow", "ca", "cert", "key", "pool"} {
		hooks = hooks.Without(name)
	}
	if hooks.Len() > 0 { // unknown keys, which the module refuses
		return doc.With("webhooks", hooks)
	}
	return doc.Without("webhooks")
}

// withoutSecrets removes the secrets of the clients that ask issuers.
func withoutSecrets(doc value.Value) value.Value {
	auth := doc.Key("auth")
	tokens := auth.Key("tokens")
	if tokens.Kind() != value.Array {
		return doc
	}
	var entries []value.Value
	changed := false
	for _, entry := range tokens.Elements() {
		if asked := entry.Key("introspect"); asked.Kind() == value.Object {
			entry, changed = entry.With("introspect", asked.Without("clientSecret")), true
		}
		entries = append(entries, entry)
	}
	if !changed {
		return doc
	}
	return doc.With("auth", auth.With("tokens", value.Arr(entries...)))
}

// walker rewrites the references in a document.
type walker struct {
	Expansion
	names  []string
	faults rules.Faults
}

func (w *walker) fault(place, message string) {
	w.faults = append(w.faults, rules.Fault{Place: place, Message: message})
}

// value rewrites v. Parts without references stay as they are.
func (w *walker) value(v value.Value, place string) value.Value {
	out, i := v, 0
	switch v.Kind() {
	case value.String:
		s, _ := v.Text()
		if strings.Contains(s, "${") {
			return value.Str(w.text(s, place))
		}
	case value.Object:
		v.Each(func(key string, x value.Value) bool {
			if strings.Contains(x.String(), "${") {
				out = out.With(key, w.value(x, rules.Join(place, key)))
			}
			return true
		})
	case value.Array:
		var elems []value.Value
		v.Each(func(_ string, x value.Value) bool {
			elems = append(elems, w.value(x, rules.Elem(place, i)))
			i++
			return true
		})
		out = value.Arr(elems...)
	}
	return out
}

// text rewrites a string: a reference that is resolved here becomes literal text,
// any other stays a reference.
func (w *walker) text(s, place string) string {
	var out, literal strings.Builder
	flush := func() {
		out.WriteString(strings.ReplaceAll(literal.String(), "${", "$${"))
		literal.Reset()
	}
	for _, p := range policy.Split(s) {
		if resolved, ok := w.part(p, place); ok {
			literal.WriteString(resolved)
			continue
		}
		if strings.HasSuffix(literal.String(), "$") {
			w.fault(place, "a $ before ${"+p.Text+"} would escape it")
		}
		flush()
		out.WriteString("${" + p.Text + "}")
	}
	flush()
	return out.String()
}

// part resolves a part of a string; with ok false, the module resolves it.
func (w *walker) part(p policy.Part, place string) (text string, ok bool) {
	switch p.Kind {
	case policy.Literal:
		return p.Text, true
	case policy.Variable:
		if !w.Inline {
			w.names = append(w.names, p.Text)
			return "", false
		}
		if text, ok = w.Getenv(p.Text); !ok {
			w.fault(place, "the environment has no "+p.Text)
		}
		return text, true
	case policy.FileText:
		if !w.Inline && !public(place) {
			w.fault(place, "${file:"+p.Text+"} would put a secret into Envoy's configuration: use ${NAME}, or --inline-secrets")
			return "", true
		}
		data, err := w.ReadFile(p.Text)
		if err != nil {
			w.fault(place, err.Error())
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), true
	}
	w.fault(place, "want ${NAME} or ${file:path}; $${ is a ${ that stays")
	return "", true
}

// public reports whether the value at a place is a public key.
func public(place string) bool {
	return strings.HasPrefix(place, "auth.tokens[") && strings.HasSuffix(place, "].publicKey")
}
