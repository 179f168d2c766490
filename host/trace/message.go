package trace

import (
	"net/url"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// maxBody bounds the part of a body that is shown, in bytes.
const maxBody = 64 << 10

// messages shows requests and responses.
type messages struct {
	mask *Mask
	kind policy.Kind    // of the resource; 0: none covers the request
	vars []value.Member // captured from the path
}

// headers shows header fields; root is request or response.
func (m *messages) headers(root string, fields [][2]string) (out []Header) {
	for _, f := range fields {
		if strings.HasPrefix(f[0], ":") {
			continue
		}
		h := Header{Name: strings.ToLower(f[0]), Value: m.mask.Text(shorten(f[1], maxBody/16))}
		if len(m.mask.at(names([]string{root, "headers", h.Name}))) > 0 {
			h.Value = masked
		}
		out = append(out, h)
	}
	return out
}

// target shows a path with its query.
func (m *messages) target(target string) string {
	path, query, hasQuery := strings.Cut(target, "?")
	for _, v := range m.vars {
		text, _ := v.Value.Text()
		if !hides(m.mask.at(names([]string{rules.RootRequest, "vars", v.Key}))) {
			continue
		}
		segments := strings.Split(path, "/")
		for i, s := range segments {
			if plain, err := url.PathUnescape(s); err == nil && plain != "" && strings.Contains(text, plain) {
				segments[i] = masked
			}
		}
		path = strings.Join(segments, "/")
	}
	if hasQuery {
		path += "?" + m.pairs(query, true)
	}
	return m.mask.Text(shorten(path, maxBody/16))
}

// pairs shows a query or a form.
func (m *messages) pairs(text string, query bool) string {
	parts := strings.Split(text, "&")
	for i, part := range parts {
		name, _, ok := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		below := m.mask.at(names([]string{rules.RootParams, plain}))
		if query {
			below = append(below, m.mask.at(names([]string{rules.RootRequest, "query", plain}))...)
		}
		if ok && len(below) > 0 {
			parts[i] = name + "=" + masked
		}
	}
	return strings.Join(parts, "&")
}

// below returns the masked paths from the body of a message on; root is request or
// response.
func (m *messages) below(root string) (out []keys) {
	if root == rules.RootResponse {
		return m.mask.at(names([]string{rules.RootRes}))
	}
	prefixed := func(key, root string) {
		for _, p := range m.mask.at(names([]string{root})) {
			out = append(out, append(keys{key}, p...))
		}
	}
	switch m.kind {
	case policy.Service, policy.Query:
		prefixed("params", rules.RootParams)
	case policy.Event:
		prefixed("payload", rules.RootParams)
	case policy.Database:
		for key, root := range map[string]string{"op": rules.RootOp, "find": rules.RootFind, "doc": rules.RootDoc,
			"update": rules.RootUpdate, "pipe": rules.RootPipeline, "options": rules.RootOpts} {
			prefixed(key, root)
		}
	default:
		return m.mask.at(names([]string{rules.RootParams}))
	}
	return out
}

// body shows a body. One that cannot be read, and that may have something to mask, is
// masked whole.
func (m *messages) body(out *Message, root, text string, fields [][2]string) {
	below := m.below(root)
	switch v, err := value.Parse(text, maxShownDepth); {
	case text == "":
	case err == nil:
		out.JSON = m.mask.show(v, below, maxBody)
	case isForm(fields):
		out.Body = m.mask.Text(m.pairs(text, false))
	case len(below) > 0:
		out.Body = masked
	default:
		out.Body = m.mask.Text(text)
	}
	if len(out.Body) > maxBody {
		out.Body, out.Cut = shorten(out.Body, maxBody), true
	}
}

const maxShownDepth = 512

func isForm(fields [][2]string) bool {
	return httpfield.ParseMedia(byName(fields)["content-type"]) == httpfield.Form
}

// bodies adds the differences between two bodies.
func (m *messages) bodies(d *differ, root, before, after string, fields [][2]string) {
	if before == after {
		return
	}
	below := m.below(root)
	old, err1 := parseOrMissing(before)
	now, err2 := parseOrMissing(after)
	switch {
	case err1 == nil && err2 == nil:
		d.values("body", old, now, below)
	case isForm(fields):
		d.add("body", value.Str(m.pairs(before, false)), value.Str(m.pairs(after, false)), nil)
	case len(below) > 0:
		d.add("body", value.Str(masked), value.Str(masked), nil)
	default:
		d.add("body", value.Str(before), value.Str(after), nil)
	}
}

func parseOrMissing(text string) (value.Value, error) {
	if text == "" {
		return value.Value{}, nil
	}
	return value.Parse(text, maxShownDepth)
}
