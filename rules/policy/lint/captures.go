package lint

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
)

// tenants and owners are words in the names of variables that name a tenant, or
// a person. A rule that does not read such a variable lets each user into the
// paths of all others.
var (
	tenants = []string{"tenant", "org", "organization", "organisation", "customer", "workspace", "company", "account", "team"}
	owners  = []string{"user", "username", "owner", "member", "uid", "userid", "ownerid", "patient", "employee"}
	// staff are words in paths that are for the people who run the service.
	staff = []string{"admin", "internal", "backoffice", "staff", "platform", "ops", "support"}
)

// captures warns of variables that name a tenant or an owner and are not read. A
// rule by role reads no owner: it is for people who may see all of them. Nor
// does a rule for staff read a tenant.
func (w *warner) captures() {
	if w.r.Path == "" || w.constant(w.r.Rule.Spec, 0) != "" || w.readsAllVars() || w.isForStaff() {
		return
	}
	byRole := w.comparesClaimWithText()
	for _, name := range w.r.Vars {
		isTenant := isNamed(name, tenants)
		if !isTenant && (byRole || !isNamed(name, owners)) || w.readsVar(name) {
			continue
		}
		w.warn(UnreadCapture, w.r.Rule.Place, "no rule of %s reads {%s}: whoever passes the rule can name another one in the path", w.r.Name, name)
	}
}

// isNamed reports whether a name is one of the words, perhaps with id, name, key
// or slug after it.
func isNamed(name string, words []string) bool {
	name = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
	for _, end := range []string{"", "id", "name", "key", "slug"} {
		if word, ok := strings.CutSuffix(name, end); ok && isOneOf(word, words) {
			return true
		}
	}
	return false
}

func (w *warner) isForStaff() bool {
	for segment := range strings.SplitSeq(strings.ToLower(w.r.Path), "/") {
		if isOneOf(segment, staff) {
			return true
		}
	}
	return false
}

// readsVar reports whether a rule reads a variable of the path.
func (w *warner) readsVar(name string) bool {
	for _, s := range w.trace.steps {
		if s.action == readPath && s.ref.root == "args" && overlap(s.ref.keys, varPath(name)) {
			return true
		}
	}
	return false
}

func varPath(name string) []rules.Key {
	return []rules.Key{{Name: rules.RootRequest}, {Name: "vars"}, {Name: name}}
}

// readsAllVars reports whether a rule reads the whole path, or sends all of args
// to a webhook.
func (w *warner) readsAllVars() bool {
	for _, s := range w.trace.steps {
		if s.action == readAll || s.action == readPath && s.ref.root == "args" && len(s.ref.keys) == 2 &&
			s.ref.keys[0].Name == rules.RootRequest && s.ref.keys[1].Name == "path" {
			return true
		}
	}
	return false
}

// comparesClaimWithText reports whether a match compares a claim with a text of
// the rule, as a rule by role does.
func (w *warner) comparesClaimWithText() bool {
	for _, s := range w.trace.steps {
		if s.action != compare {
			continue
		}
		claim, written := false, false
		for _, field := range [...]string{"f1", "f2"} {
			v := s.spec.Key(field)
			text, ok := v.Text()
			if ok && rules.IsReference(text, s.item) {
				for _, ref := range rules.References(text, s.item) {
					claim = claim || ref.Keys[0].Name == rules.RootAuth
				}
			} else {
				written = true
			}
		}
		if claim && written {
			return true
		}
	}
	return false
}
