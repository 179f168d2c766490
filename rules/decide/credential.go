package decide

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
)

// credential is the token or the API key that a request brings.
type credential struct {
	token  string
	apiKey string // the header of an API key; "": it is a token
	// cookieSources are the cookies that held the token, if no header or
	// parameter did: only then does checkOrigin look at the request's origin.
	cookieSources []policy.Source
}

// readCredential looks at all sources. found is false if none has a token or an API
// key. Several may have the same token. Two different ones, or a token and an API
// key, are an error, valid or not: the upstream may look at the other one. So is a
// text that was meant as a token and cannot be one.
func readCredential(h *head, sources []policy.Source) (c credential, found bool, err error) {
	cookiesOnly := true
	for i := range sources {
		src := &sources[i]
		token, here, err := readSource(h, src)
		switch {
		case err != nil:
			return credential{}, false, err
		case !here:
			continue
		case !found:
			c.token, found = token, true
			if src.APIKeys {
				c.apiKey = src.Header
			}
		case src.APIKeys != (c.apiKey != ""):
			return credential{}, false, errors.New("a token and an API key")
		case src.APIKeys:
			return credential{}, false, errors.New("two API keys")
		case c.token != token:
			return credential{}, false, errors.New("two different tokens")
		}
		if src.Cookie == "" {
			cookiesOnly = false
		} else {
			c.cookieSources = append(c.cookieSources, *src)
		}
	}
	if !cookiesOnly {
		c.cookieSources = nil
	}
	return c, found, nil
}

func readSource(h *head, src *policy.Source) (token string, found bool, err error) {
	switch {
	case src.Header != "":
		if h.hasAlias(src.Header) {
			return "", false, errors.New("a header that servers could take for " + src.Header)
		}
		return fromHeader(h, src)
	case src.Cookie != "":
		if httpfield.HasTwinCookie(h.values("cookie"), src.Cookie) {
			return "", false, errors.New("a cookie that servers could take for " + src.Cookie)
		}
		return single(httpfield.Cookies(h.values("cookie"), src.Cookie), "cookie "+src.Cookie)
	case src.Query != "":
		values := httpfield.Parameter(h.query, src.Query)
		for name := range parameters(h.query) {
			if name != src.Query && httpfield.Twins(name, src.Query) {
				return "", false, errors.New("a query parameter that servers could take for " + src.Query)
			}
		}
		if strings.Contains(h.query, ";") && len(httpfield.Parameter(strings.ReplaceAll(h.query, ";", "&"), src.Query)) != len(values) {
			return "", false, errors.New("query parameter " + src.Query + " behind a semicolon, which some servers split at")
		}
		return single(values, "query parameter "+src.Query)
	}
	return "", false, nil
}

// fromHeader reads a header that holds a prefix and a token. A value without the
// prefix has another scheme, and so no token of this policy. A repeated header
// is an error even then: servers may read the first or the last.
func fromHeader(h *head, src *policy.Source) (token string, found bool, err error) {
	value, n := h.count(src.Header)
	switch {
	case n == 0:
		return "", false, nil
	case n > 1:
		return "", false, errors.New("a repeated header")
	}
	token, found = cutPrefix(value, src.Prefix)
	if found && token == "" {
		return "", false, errors.New("an empty header")
	}
	return token, found, nil
}

// cutPrefix removes the prefix, an authentication scheme in any case and often
// one space. The scheme alone, or before a tab, counts too, with an empty token:
// the client meant to send one.
func cutPrefix(value, prefix string) (token string, found bool) {
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

// single returns the only value at a place, if there is one.
func single(values []string, place string) (token string, found bool, err error) {
	switch {
	case len(values) == 0:
		return "", false, nil
	case len(values) > 1:
		return "", false, errors.New("a repeated " + place)
	case values[0] == "":
		return "", false, errors.New("an empty " + place)
	}
	return values[0], true, nil
}

// tokenless is the parts of a request that tokens come in, without the tokens.
type tokenless struct {
	cookies        []string // the lines of the field cookie that stay
	cookiesChanged bool
	query          string // without the parameters that hold tokens
}

// withhold removes the tokens and API keys of every source, also of those that were not read:
// a policy that does not forward tokens forwards none of its users'. It is for
// requests whose token was verified; elsewhere the upstream may have its own. It
// appends the names of the headers to be removed to removed.
func withhold(h *head, sources []policy.Source, removed []string) (tokenless, []string) {
	w := tokenless{query: h.query}
	for i := range sources {
		src := &sources[i]
		switch {
		case src.Header != "":
			for i := range h.fields {
				if f := &h.fields[i]; f[0] == src.Header {
					if _, found := cutPrefix(f[1], src.Prefix); found {
						removed = appendNew(removed, src.Header)
					}
				}
			}
		case src.Cookie != "":
			if !w.cookiesChanged {
				w.cookies = h.values("cookie")
			}
			if len(httpfield.Cookies(w.cookies, src.Cookie)) > 0 {
				w.cookies, w.cookiesChanged = httpfield.WithoutCookie(w.cookies, src.Cookie), true
			}
		case src.Query != "":
			if len(httpfield.Parameter(w.query, src.Query)) > 0 {
				w.query = httpfield.WithoutParameter(w.query, src.Query)
			}
		}
	}
	return w, removed
}
