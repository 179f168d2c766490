package decide

import (
	"fmt"
	"slices"

	"github.com/rulegate/rulegate/rules/policy"
)

// crossSite refuses a request whose token a browser may have added to the
// request of any page, where that request may change something and no page that
// the policy names has sent it (cross-site request forgery).
func crossSite(h *head, jars []policy.Source) *Refusal {
	if len(jars) == 0 || reads(h) {
		return nil
	}
	for _, jar := range jars {
		if fault := strange(h, jar.Origins); fault != "" {
			return forbidden("token: cookie " + jar.Cookie + ": " + fault)
		}
	}
	return nil
}

// reads says whether a request changes nothing: its method is safe (RFC 9110,
// section 9.2.1), and it opens no connection to speak on further, as a
// WebSocket does, whose pages are bound by no same-origin policy.
func reads(h *head) bool {
	switch h.method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return len(h.values("upgrade")) == 0
	}
	return false
}

// strange says why a request is not one of the pages' of the origins; "" when it
// is. A browser sends Origin with such requests, and where it does not,
// Sec-Fetch-Site, and lets no page set either.
func strange(h *head, origins []string) string {
	if len(origins) == 0 {
		return "the policy names no origins that may send it with this method"
	}
	sent := h.values("origin")
	switch {
	case len(sent) > 1:
		return "repeated origin"
	case len(sent) == 1 && slices.Contains(origins, sent[0]):
		return ""
	case len(sent) == 1:
		return fmt.Sprintf("origin %.64q is none that the policy names", sent[0])
	}
	if site := h.values("sec-fetch-site"); len(site) == 1 && site[0] == "same-origin" {
		return ""
	}
	return "neither an origin nor sec-fetch-site: same-origin"
}
