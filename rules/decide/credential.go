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

// readCredential looks at all sources; nil: none has a token or an API key.
// Several may have the same token. Two different ones, or a token and an API key,
// are an error, valid or not: the upstream may look at the other one. So is a text
// that was meant as a token and cannot be one.
func readCredential(h *head, sources []policy.Source) (*credential, error) {
	var c *credential
	cookiesOnly := true
	for _, src := range sources {
		token, found, err := readSource(h, src)
		switch {
		case err != nil:
			return nil, err
		case !found:
			continue
		case c == nil:
			c = &credential{token: token}
			if src.APIKeys {
				c.apiKey = src.Header
			}
		case src.APIKeys != (c.apiKey != ""):
			return nil, errors.New("a token and an API key")
		case src.APIKeys:
			return nil, errors.New("two API keys")
		case c.token != token:
			return nil, errors.New("two different tokens")
		}
		if src.Cookie == "" {
			cookiesOnly = false
		} else {
			c.cookieSources = append(c.cookieSources, src)
		}
	}
	if c != nil && !cookiesOnly {
		c.cookieSources = nil
	}
	return c, nil
}

func readSource(h *head, src policy.Source) (token string, found bool, err error) {
	switch {
	case src.Header != "":
		if len(h.aliases(src.Header)) > 0 {
			return "", false, errors.New("a header that servers could take for " + src.Header)
		}
		return fromHeader(h.values(src.Header), src.Prefix)
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
func fromHeader(values []string, prefix string) (token string, found bool, err error) {
	switch {
	case len(values) == 0:
		return "", false, nil
	case len(values) > 1:
		return "", false, errors.New("a repeated header")
	}
	token, found = cutPrefix(values[0], prefix)
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
	headers        []string // to be removed
	cookies        []string // the lines of the field cookie that stay
	cookiesChanged bool
	query          string // without the parameters that hold tokens
}

// withhold removes the tokens and API keys of every source, also of those that were not read:
// a policy that does not forward tokens forwards none of its users'. It is for
// requests whose token was verified; elsewhere the upstream may have its own.
func withhold(h *head, sources []policy.Source) tokenless {
	w := tokenless{cookies: h.values("cookie"), query: h.query}
	for _, src := range sources {
		switch {
		case src.Header != "":
			for _, v := range h.values(src.Header) {
				if _, found := cutPrefix(v, src.Prefix); found {
					w.headers = appendNew(w.headers, src.Header)
				}
			}
		case src.Cookie != "":
			if len(httpfield.Cookies(w.cookies, src.Cookie)) > 0 {
				w.cookies, w.cookiesChanged = httpfield.WithoutCookie(w.cookies, src.Cookie), true
			}
		case src.Query != "":
			if len(httpfield.Parameter(w.query, src.Query)) > 0 {
				w.query = httpfield.WithoutParameter(w.query, src.Query)
			}
		}
	}
	return w
}
