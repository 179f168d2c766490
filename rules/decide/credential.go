package decide

import (
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
)

// credential is what a request brings as a token.
type credential struct {
	raw   string
	there bool
	fault string // why it cannot be one, though it was meant as one
	// jars are the cookies that it came in, where it came in nothing else: a
	// browser adds those to whatever page's request.
	jars []policy.Source
}

// readCredential looks at all sources. Two that hold different tokens are
// refused, whichever is good: the upstream may look at the other one. The same
// token may come in several.
func readCredential(h *head, sources []policy.Source) credential {
	var found credential
	ambient := true
	for _, src := range sources {
		c := fromSource(h, src)
		switch {
		case !c.there:
			continue
		case c.fault != "":
			return c
		case found.there && found.raw != c.raw:
			return credential{there: true, fault: "two different tokens"}
		}
		found.raw, found.there = c.raw, true
		if src.Cookie == "" {
			ambient = false
		} else {
			found.jars = append(found.jars, src)
		}
	}
	if !ambient {
		found.jars = nil
	}
	return found
}

func fromSource(h *head, src policy.Source) credential {
	switch {
	case src.Header != "":
		if h.hasTwin(src.Header) {
			return credential{there: true, fault: "a header that servers take for " + src.Header}
		}
		return fromHeader(h.values(src.Header), src.Prefix)
	case src.Cookie != "":
		return single(httpfield.Cookies(h.values("cookie"), src.Cookie), "cookie "+src.Cookie)
	case src.Query != "":
		values := httpfield.Parameter(h.query, src.Query)
		if strings.Contains(h.query, ";") && len(httpfield.Parameter(strings.ReplaceAll(h.query, ";", "&"), src.Query)) != len(values) {
			return credential{there: true, fault: "query parameter " + src.Query + " behind a semicolon, which some servers split at"}
		}
		return single(values, "query parameter "+src.Query)
	}
	return credential{}
}

// hasTwin says whether there is a header whose name is not name (in lower case)
// and which CGI and its like cannot tell from it.
func (h *head) hasTwin(name string) bool {
	if !strings.ContainsAny(name, "-_") {
		return false
	}
	for _, f := range h.fields {
		if f[0] != name && httpfield.Fold(f[0]) == httpfield.Fold(name) {
			return true
		}
	}
	return false
}

// fromHeader reads a header whose values are the prefix (its scheme without
// regard to case, one space if the prefix ends with one) and the token. Another
// scheme is no token of ours. The same header twice is refused even so: who
// reads the first and who the last would not agree.
func fromHeader(values []string, prefix string) credential {
	switch {
	case len(values) == 0:
		return credential{}
	case len(values) > 1:
		return credential{there: true, fault: "repeated header"}
	}
	token, ours := cutPrefix(values[0], prefix)
	switch {
	case !ours:
		return credential{}
	case token == "":
		return credential{there: true, fault: "empty"}
	}
	return credential{raw: token, there: true}
}

// cutPrefix takes the prefix off. The scheme alone, or with other white space
// after it, is ours too, and leaves nothing of a token: it was meant as one.
func cutPrefix(value, prefix string) (token string, ours bool) {
	if len(value) >= len(prefix) && strings.EqualFold(value[:len(prefix)], prefix) {
		return value[len(prefix):], true
	}
	scheme, spaced := strings.CutSuffix(prefix, " ")
	if !spaced || len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return "", false
	}
	rest := value[len(scheme):]
	return "", rest == "" || rest[0] == '\t'
}

func single(values []string, where string) credential {
	switch {
	case len(values) == 0:
		return credential{}
	case len(values) > 1:
		return credential{there: true, fault: "repeated " + where}
	case values[0] == "":
		return credential{there: true, fault: "empty " + where}
	}
	return credential{raw: values[0], there: true}
}

// withheld is what a request keeps of the places that tokens come from.
type withheld struct {
	headers    []string // to be removed
	cookies    []string // the lines of the cookie header
	query      string
	cutCookies bool
}

// withhold takes tokens out of every source that could hold one, not only out of
// the one that was read: a policy that does not forward tokens forwards none of
// its users'. (Where no token was looked at, what there is may be the upstream's
// own, and stays.)
func withhold(h *head, sources []policy.Source) withheld {
	w := withheld{cookies: h.values("cookie"), query: h.query}
	for _, src := range sources {
		switch {
		case src.Header != "":
			for _, v := range h.values(src.Header) {
				if _, ours := cutPrefix(v, src.Prefix); ours {
					w.headers = appendNew(w.headers, src.Header)
				}
			}
		case src.Cookie != "":
			if len(httpfield.Cookies(w.cookies, src.Cookie)) > 0 {
				w.cookies, w.cutCookies = httpfield.WithoutCookie(w.cookies, src.Cookie), true
			}
		case src.Query != "":
			if len(httpfield.Parameter(w.query, src.Query)) > 0 {
				w.query = httpfield.WithoutParameter(w.query, src.Query)
			}
		}
	}
	return w
}
