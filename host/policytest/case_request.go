package policytest

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// target reads the request line, the host and the query.
func (r *reader) target(c *Case, e *entry) {
	q := &c.request
	m := e.member("request")
	text, ok := m.value.Text()
	if !ok {
		r.fault(m.place, "missing; want a method and a path, such as GET /v1/todos/7")
		return
	}
	q.Method, q.Target, ok = strings.Cut(text, " ")
	switch {
	case !ok || !strings.HasPrefix(q.Target, "/") || strings.ContainsAny(q.Target, " #"):
		r.fault(m.place, "want a method and a path, such as GET /v1/todos/7")
	case !httpfield.IsToken(q.Method):
		r.fault(m.place, "%q is no method", q.Method)
	}
	pairs := r.pairs(e.member("query"))
	if len(pairs) > 0 {
		sep := "?"
		if strings.Contains(q.Target, "?") {
			sep = "&"
		}
		q.Target += sep + encode(pairs)
	}
	q.Host, _ = e.member("host").value.Text()
	q.Scheme, _ = e.member("scheme").value.Text()
}

// fields reads the headers and the body.
func (r *reader) fields(c *Case, e *entry) {
	q := &c.request
	headers := e.member("headers")
	q.Headers = r.headerList(headers)
	for _, h := range q.Headers {
		switch name := strings.ToLower(h[0]); {
		case !httpfield.IsToken(h[0]):
			r.atKey(rules.Join(headers.place, h[0]), "not the name of a header")
		case !httpfield.IsValue(h[1]):
			r.fault(rules.Join(headers.place, h[0]), "no header can have this value")
		case name == "host":
			r.atKey(rules.Join(headers.place, h[0]), "want `host` of the test")
		}
	}
	var cookies []string
	e.member("cookies").value.Each(func(name string, v value.Value) bool {
		text, _ := v.Text()
		cookies = append(cookies, name+"="+text)
		return true
	})
	if len(cookies) > 0 {
		q.Headers = append(q.Headers, [2]string{"cookie", strings.Join(cookies, "; ")})
	}
	kind, m := e.body(r)
	media := ""
	switch kind {
	case "json":
		q.Body, media = m.value.String(), "application/json"
	case "form":
		q.Body, media = encode(r.pairs(m)), "application/x-www-form-urlencoded"
	case "body":
		q.Body, _ = m.value.Text()
	}
	if media != "" && len(simulate.Values(q.Headers, "content-type")) == 0 {
		q.Headers = append(q.Headers, [2]string{"content-type", media})
	}
}

// headerList reads a mapping of headers.
func (r *reader) headerList(m member) (list [][2]string) {
	m.value.Each(func(name string, v value.Value) bool {
		if text, ok := v.Text(); ok {
			list = append(list, [2]string{name, text})
		}
		if v.Kind() == value.Array {
			for _, x := range v.Elements() {
				text, _ := x.Text()
				list = append(list, [2]string{name, text})
			}
		}
		return true
	})
	return list
}

// pairs reads a mapping of scalars and lists of them: a query or a form.
func (r *reader) pairs(m member) (pairs [][2]string) {
	m.value.Each(func(name string, v value.Value) bool {
		list := []value.Value{v}
		if v.Kind() == value.Array {
			list = v.Elements()
		}
		for _, x := range list {
			switch x.Kind() {
			case value.String:
				text, _ := x.Text()
				pairs = append(pairs, [2]string{name, text})
			case value.Number, value.Bool:
				pairs = append(pairs, [2]string{name, x.String()})
			default:
				r.fault(rules.Join(m.place, name), "want a string, a number, a bool or a list of these, found %s", x.Kind())
			}
		}
		return true
	})
	return pairs
}

// encode writes pairs as a query or a form, in their order.
func encode(pairs [][2]string) string {
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = url.QueryEscape(p[0]) + "=" + url.QueryEscape(p[1])
	}
	return strings.Join(parts, "&")
}

// client reads the client's address and certificate.
func (r *reader) client(c *Case, e *entry) {
	c.request.IP = "127.0.0.1"
	if m := e.member("ip"); m.value.Kind() != value.Missing {
		c.request.IP, _ = m.value.Text()
		if _, err := netip.ParseAddr(c.request.IP); err != nil {
			r.fault(m.place, "want the address of a client, such as 10.0.0.9")
		}
	}
	c.request.Peer = e.member("peer").value
	if len(simulate.Values(c.request.Headers, "x-request-id")) == 0 {
		c.request.ID = "00000000-0000-4000-8000-000000000000"
	}
}

func (r *reader) response(c *Case, e *entry) {
	m := e.member("response")
	if m.value.Kind() == value.Missing {
		return
	}
	resp := &simulate.Response{Status: integer(m.value.Key("status"), 200)}
	resp.Headers = r.headerList(member{m.value.Key("headers"), rules.Join(m.place, "headers")})
	for i := range resp.Headers {
		resp.Headers[i][0] = strings.ToLower(resp.Headers[i][0])
	}
	resp.Body, _ = r.content(m.value, m.place)
	if m.value.Key("json").Kind() != value.Missing && len(simulate.Values(resp.Headers, "content-type")) == 0 {
		resp.Headers = append(resp.Headers, [2]string{"content-type", "application/json"})
	}
	c.request.Response = resp
}
