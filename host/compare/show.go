package compare

import (
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Sentence is the effect of the change on the request: `refused before, allowed now`.
func (d *Difference) Sentence() string {
	switch {
	case d.Kind == Allow && stage(d.Before) == "response refused":
		return "response refused before, let out now"
	case d.Kind == Allow:
		return "refused before, allowed now"
	case d.Kind == Refuse && stage(d.After) == "response refused":
		return "allowed before, response refused now"
	case d.Kind == Refuse:
		return "allowed before, refused now"
	case d.Kind == Upstream:
		return "the upstream gets another " + and(d.Parts)
	case d.Kind == Mask && d.Shows:
		return "masked before, shown now: " + and(d.Parts)
	case d.Kind == Mask && d.Hides:
		return "shown before, masked now: " + and(d.Parts)
	case d.Kind == Mask:
		return "the client gets another " + and(d.Parts)
	case len(d.Parts) > 0:
		return d.Before + " before and now, with another " + and(d.Parts)
	}
	return d.Before + " before, " + strings.TrimPrefix(d.After, "refused ") + " now"
}

// and lists parts: a, b and c.
func and(parts []string) string {
	if len(parts) == 0 {
		return "answer"
	}
	last := len(parts) - 1
	if last == 0 {
		return parts[0]
	}
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// Target is the method and the path of a case, with the host if it matters.
func (c *Case) Target() string {
	host := c.Host
	if host == defaultHost {
		host = ""
	}
	target := c.Method + " " + host + c.Path
	if c.Event != "" {
		target += ", event " + c.Event
	}
	return target
}

// Request describes a case as an object: the parts of args that the request has, its
// token where that is not a valid one with these claims, the time where a rule asks
// for it, the replies to calls and the upstream's response.
func (c *Case) Request() value.Value {
	out := value.Obj()
	switch {
	case c.Token && !c.Valid:
		out = out.With("token", value.Str("not valid"))
	case c.Token:
		if c.Provider != "" {
			out = out.With("provider", value.Str(c.Provider))
		}
		claims := c.Args.Key(rules.RootAuth)
		if claims.Kind() == value.Missing {
			claims = value.Obj()
		}
		out = out.With(rules.RootAuth, claims)
	}
	c.Args.Each(func(root string, v value.Value) bool {
		if root != rules.RootAuth {
			out = out.With(root, v)
		}
		return true
	})
	if !c.Now.Equal(Now) {
		out = out.With("now", dateText(c.Now))
	}
	if replies := c.replies(); replies.Len() > 0 {
		out = out.With("replies", replies)
	}
	if res := c.Response.Key(rules.RootRes); res.Len() > 0 || res.Kind() != value.Object && res.Kind() != value.Missing {
		out = out.With(rules.RootRes, res)
	}
	if r := c.Response.Key(rules.RootResponse); r.Kind() != value.Missing {
		out = out.With(rules.RootResponse, r)
	}
	return out
}

// replies are the replies to calls, by db.collection or URL.
func (c *Case) replies() value.Value {
	out := value.Obj()
	for _, r := range c.Replies {
		key := r.Call.URL
		v := r.Reply.Rows
		if r.Call.Kind == rules.Query {
			key = r.Call.DB + "." + r.Call.Col
		} else {
			v = hookAnswer(r.Reply)
		}
		if r.Reply.Err != "" {
			v = value.Obj(value.Member{Key: "fails", Value: value.Str(r.Reply.Err)})
		}
		out = out.With(key, v)
	}
	return out
}

func hookAnswer(r rules.Reply) value.Value {
	v := value.Obj(value.Member{Key: "status", Value: value.Int(int64(r.Status))})
	if r.Body != "" {
		v = v.With("json", value.Checked(r.Body))
	}
	return v
}

// spaced is JSON with a space behind each comma and colon.
func spaced(v value.Value) string {
	switch v.Kind() {
	case value.Object:
		var parts []string
		for _, m := range v.Members() {
			parts = append(parts, value.Str(m.Key).String()+": "+spaced(m.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case value.Array:
		var parts []string
		for _, x := range v.Elements() {
			parts = append(parts, spaced(x))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return v.String()
}

// Line is the difference in one line.
func (d *Difference) Line() string {
	return d.Case.Target() + ": " + d.Sentence() + ": " + spaced(d.Case.Request())
}

// Lines is the conclusion of a report: the requests that were tried, and the ones left out.
func (r *Report) Lines() (lines []string) {
	changed := r.Pairs - r.Unchanged
	lines = append(lines, fmt.Sprintf("%s that decide the same requests: %d unchanged, %d compared with %s",
		count(r.Pairs, "pair of resources", "pairs of resources"), r.Unchanged, changed, count(r.Requests, "request", "requests")))
	switch {
	case len(r.Differences) > 0:
	case changed == 0 && len(r.Settings) == 0:
		lines = append(lines, "equal: the rules are the same")
	case r.Proved():
		lines = append(lines, "equal: the requests stand for all requests")
	case r.Whole():
		lines = append(lines, "no difference in the requests, which were gone through whole")
	default:
		lines = append(lines, "no difference in the requests")
	}
	if len(r.Sampled) > 0 {
		lines = append(lines, fmt.Sprintf("left out: %s had more requests than were decided, of which some were chosen at random (--seed %d, --max for more):",
			count(len(r.Sampled), "pair", "pairs"), r.Seed))
		for i, s := range r.Sampled {
			if i == maxListed {
				lines = append(lines, fmt.Sprintf("  and %d more", len(r.Sampled)-i))
				break
			}
			lines = append(lines, fmt.Sprintf("  %s: %s", pairName(s.Resources), count(s.Requests, "request", "requests")))
		}
	}
	if r.Calls {
		lines = append(lines, "rules with calls: other replies than those that were tried may differ")
	}
	if len(r.Settings) > 0 {
		lines = append(lines, "sections that differ, and are compared only as far as requests show them: "+strings.Join(r.Settings, ", "))
	}
	if len(r.Notes) > 0 {
		lines = append(lines, "the requests are examples, not all kinds of requests, because of:")
		for i, n := range r.Notes {
			if i == maxListed {
				lines = append(lines, fmt.Sprintf("  and %d more", len(r.Notes)-i))
				break
			}
			lines = append(lines, "  "+n)
		}
	}
	return lines
}

// maxListed bounds the lists of a conclusion.
const maxListed = 20

func pairName(r [2]string) string {
	switch {
	case r[0] == r[1] || r[1] == "":
		return r[0]
	case r[0] == "":
		return r[1]
	}
	return r[0] + " and " + r[1]
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
