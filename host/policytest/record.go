package policytest

import (
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// recordText writes the result of a case as the `want` of a test, in JSON, which is YAML
// too.
func recordText(c *Case, r *simulate.Result) string {
	v := recorded(c, r)
	if text, ok := v.Text(); ok {
		return text
	}
	return policyfile.Flow(v)
}

// recorded returns the result of a case as the `want` of a test.
func recorded(c *Case, r *simulate.Result) value.Value {
	m := func(key string, v value.Value) value.Member { return value.Member{Key: key, Value: v} }
	if !passed(r) {
		out := []value.Member{m("status", value.Int(int64(r.Status)))}
		if body, err := value.Parse(r.Client.Body, 8); err == nil {
			if e := body.Key("error"); e.Kind() == value.String {
				out = append(out, m("error", e))
			}
		}
		if r.Name != "" {
			out = append(out, m("clause", value.Str(r.Name)))
		}
		return value.Obj(out...)
	}
	out := []value.Member{m("status", value.Str("allow"))}
	if up := recordedUpstream(c, r.Upstream); up.Len() > 0 {
		out = append(out, m("upstream", up))
	}
	if r.Client != nil {
		out[0].Value = value.Int(int64(r.Status))
		if body, err := value.Parse(r.Client.Body, maxDepth); err == nil {
			out = append(out, m("json", body))
		} else if r.Client.Body != "" {
			out = append(out, m("body", value.Str(r.Client.Body)))
		}
	}
	if len(out) == 1 && r.Client == nil {
		return out[0].Value
	}
	return value.Obj(out...)
}

// recordedUpstream returns the policy's changes of the request.
func recordedUpstream(c *Case, u *simulate.Forwarded) value.Value {
	var out []value.Member
	sent := &c.request
	path, query, _ := strings.Cut(u.Target, "?")
	_, sentQuery, _ := strings.Cut(sent.Target, "?")
	if query != sentQuery && c.request.Token == "" {
		if pairs, err := httpfield.ParseForm(query); err == nil {
			out = append(out, value.Member{Key: "path", Value: value.Str(path)}, value.Member{Key: "query", Value: pairsValue(pairs)})
		}
	}
	if headers := recordedHeaders(c, u); headers.Len() > 0 {
		out = append(out, value.Member{Key: "headers", Value: headers})
	}
	if u.Body == sent.Body {
		return value.Obj(out...)
	}
	media := httpfield.ParseMedia(simulate.Values(u.Headers, "content-type"))
	if body, err := value.Parse(u.Body, maxDepth); err == nil {
		return value.Obj(append(out, value.Member{Key: "json", Value: body})...)
	} else if pairs, err := httpfield.ParseForm(u.Body); err == nil && media == httpfield.Form {
		return value.Obj(append(out, value.Member{Key: "form", Value: pairsValue(pairs)})...)
	}
	return value.Obj(append(out, value.Member{Key: "body", Value: value.Str(u.Body)})...)
}

// recordedHeaders returns the headers that the policy set or removed, but for those of
// the body's length, and of the user's token.
func recordedHeaders(c *Case, u *simulate.Forwarded) value.Value {
	var out []value.Member
	seen := map[string]bool{"content-length": true, "x-request-id": true, "authorization": true, "cookie": true}
	for _, h := range append(u.Headers[:len(u.Headers):len(u.Headers)], c.request.Headers...) {
		name := strings.ToLower(h[0])
		if seen[name] {
			continue
		}
		seen[name] = true
		before, now := simulate.Values(c.request.Headers, name), simulate.Values(u.Headers, name)
		if strings.Join(before, "\n") == strings.Join(now, "\n") {
			continue
		}
		v := value.NullValue
		switch len(now) {
		case 0:
		case 1:
			if strings.Contains(now[0], ".") && c.request.Claims.Kind() != value.Missing && strings.Count(now[0], ".") == 2 && len(now[0]) > 100 {
				continue // the user's token, which is another one in each run
			}
			v = value.Str(now[0])
		default:
			list := make([]value.Value, len(now))
			for i, text := range now {
				list[i] = value.Str(text)
			}
			v = value.Arr(list...)
		}
		out = append(out, value.Member{Key: name, Value: v})
	}
	return value.Obj(out...)
}

// pairsValue returns pairs as a mapping.
func pairsValue(pairs []httpfield.Pair) value.Value {
	out := value.Obj()
	for _, p := range pairs {
		v := value.Str(p.Value)
		switch old := out.Key(p.Name); old.Kind() {
		case value.Missing:
		case value.Array:
			v = value.Arr(append(old.Elements(), v)...)
		default:
			v = value.Arr(old, v)
		}
		out = out.With(p.Name, v)
	}
	return out
}
