package decide

import (
	"errors"
	"slices"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy"
)

// checkOrigin protects against cross-site request forgery: a browser adds
// cookies to requests of any page. If the token came in cookies only, and the
// request may change something, a page of the policy's origins must have sent it.
func checkOrigin(h *head, cookieSources []policy.Source) error {
	if len(cookieSources) == 0 || isSafe(h) {
		return nil
	}
	for _, src := range cookieSources {
		if err := originMismatch(h, src.Origins); err != nil {
			return lightfmt.Errorf("cookie %s: %w", src.Cookie, err)
		}
	}
	return nil
}

// isSafe reports whether a request changes nothing: its method is safe (RFC
// 9110, section 9.2.1), and it does not open a connection for more messages. (The
// same-origin policy does not bind WebSockets.)
func isSafe(h *head) bool {
	switch h.method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return len(h.values("upgrade")) == 0
	}
	return false
}

// originMismatch fails if no page of the origins sent the request. Browsers tell
// it by Origin, or else by Sec-Fetch-Site, and let no page set either. Origin is
// null for the forms of a page with the referrer policy no-referrer.
func originMismatch(h *head, origins []string) error {
	if len(origins) == 0 {
		return errors.New("the policy has no origins for it, so it counts only for safe methods")
	}
	sent := h.values("origin")
	switch {
	case len(sent) > 1:
		return errors.New("a repeated origin")
	case len(sent) == 1 && slices.Contains(origins, sent[0]):
		return nil
	case len(sent) == 1 && sent[0] != "null":
		return lightfmt.Errorf("the policy does not name the origin %q", lightfmt.Cut(sent[0], 64))
	}
	if site := h.values("sec-fetch-site"); len(site) == 1 && site[0] == "same-origin" {
		return nil
	}
	if len(sent) == 1 {
		return errors.New("the origin null without sec-fetch-site: same-origin")
	}
	return errors.New("neither an origin nor sec-fetch-site: same-origin")
}
