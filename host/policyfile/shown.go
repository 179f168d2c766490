package policyfile

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Value returns the value at a place, with `${…}` as it is in the file.
func (f *File) Value(place string) value.Value {
	if part, in := f.partAt(place); part != f {
		return part.Value(in)
	}
	v := f.Doc
	for _, step := range stepsOf(place) {
		if v.Kind() == value.Array {
			i, err := strconv.Atoi(step)
			if err != nil {
				return value.Value{}
			}
			v = v.At(i)
			continue
		}
		v = v.Key(step)
	}
	return v
}

// Secrets returns the texts of the policy that nobody is shown, with the texts that are shown
// instead: the secrets that stand in the file, and the values of the variables and
// files that rules and secrets name, which are shown as `${NAME}`. The options are
// those that the policy was loaded with.
func (f *File) Secrets(o policy.Options) map[string]string {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = f.ReadFile
	}
	secrets := map[string]string{}
	eachTextAt(f.Doc, "", func(place, text string) {
		if !f.isSecret(place) && !inRule(place) {
			return
		}
		for _, p := range policy.Split(text) {
			secret, by := "", "${"+p.Text+"}"
			switch p.Kind {
			case policy.Variable:
				secret, _ = o.Getenv(p.Text)
			case policy.FileText:
				data, err := o.ReadFile(p.Text)
				if err == nil {
					secret, by = strings.TrimRight(string(data), "\r\n"), "${file:"+p.Text+"}"
				}
			case policy.Literal:
				if f.isSecret(place) {
					secret, by = p.Text, ""
				}
			}
			if _, known := secrets[secret]; secret != "" && !known {
				secrets[secret] = by
			}
		}
	})
	return secrets
}

// inRule reports whether a place is in a rule, whose values can go to a client, to the
// upstream or into a trace.
func inRule(place string) bool {
	return slices.ContainsFunc(stepsOf(place), func(step string) bool {
		return slices.Contains([]string{"rule", "rules", "response", "define", "require"}, step)
	})
}

// eachTextAt calls f for each string in v.
func eachTextAt(v value.Value, place string, f func(place, text string)) {
	i := 0
	if text, ok := v.Text(); ok {
		f(place, text)
		return
	}
	v.Each(func(key string, x value.Value) bool {
		at := rules.Join(place, key)
		if v.Kind() == value.Array {
			at = rules.Elem(place, i)
		}
		i++
		eachTextAt(x, at, f)
		return true
	})
}
