package rules

import (
	"slices"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

func (c *compiler) query(r *Rule, spec value.Value, place string) clause {
	q := &query{id: c.site + place, limit: DefaultLimit}
	q.db, q.col = c.text(spec, place, "db"), c.text(spec, place, "col")
	if c.env.Database != nil && q.db != "" {
		if err := c.env.Database(q.db, q.col); err != nil {
			c.faults.add(Join(place, "db"), "%v", err)
		}
	}
	if v := spec.Key("find"); v.Kind() != value.Missing {
		q.find = c.findDocument(v, Join(place, "find"))
	}
	q.store = c.argsPath(spec, place, "store", "args."+RootResult)
	q.cache = c.cache(spec, place)
	q.clause = c.guard(r, spec, place)
	if len(c.faults) > 0 {
		return nil
	}
	if q.find != nil {
		q.find.reads(&r.reads)
	}
	r.calls, r.queries = true, append(r.queries, q)
	r.stores(q.store)
	return q
}

func (c *compiler) webhook(r *Rule, spec value.Value, place string) clause {
	w := &webhook{id: c.site + place, url: c.text(spec, place, "url")}
	if w.url != "" {
		c.url(w.url, Join(place, "url"))
	}
	w.store = c.argsPath(spec, place, "store", "args."+RootResult)
	w.cache = c.cache(spec, place)
	if v := spec.Key("claims"); v.Kind() == value.Object && !isLiteralText(v) {
		w.claims = c.template(v, Join(place, "claims"))
	} else if v.Kind() != value.Missing {
		c.faults.add(Join(place, "claims"), "want an object, found %s", found(v))
	}
	if v := spec.Key("body"); v.Kind() != value.Missing {
		w.body = c.template(v, Join(place, "body"))
	}
	w.headers = c.headers(r, spec.Key("headers"), Join(place, "headers"))
	if !c.env.CanSign {
		c.faults.add(place, "a webhook carries tokens: one of auth.tokens must be `primary: true` and able to sign")
	}
	if len(c.faults) > 0 {
		return nil
	}
	if w.claims != nil {
		w.claims.reads(&r.reads)
	}
	if w.body != nil {
		w.body.reads(&r.reads)
	} else {
		r.reads.all = true
	}
	r.calls = true
	r.stores(w.store)
	return w
}

// WebhookHeaders are the headers of a webhook that a rule may not set, as the
// companion sets them; in lower case.
var WebhookHeaders = []string{"content-type", "authorization", "x-sc-token", "traceparent", "tracestate"}

// headers compiles the `headers` of a webhook.
func (c *compiler) headers(r *Rule, v value.Value, place string) (headers []header) {
	if k := v.Kind(); k != value.Object {
		if k != value.Missing {
			c.faults.add(place, "want an object, found %s", found(v))
		}
		return nil
	}
	seen := map[string]bool{}
	v.Each(func(name string, x value.Value) bool {
		at, folded := Join(place, name), httpfield.Fold(name)
		switch {
		case !httpfield.IsToken(name):
			c.faults.add(at, "%q is no name of a header", name)
		case slices.Contains(WebhookHeaders, folded), httpfield.Protected(name):
			c.faults.add(at, "a rule may not set this header")
		case seen[folded]:
			c.faults.add(at, "the header is there already")
		}
		seen[folded] = true
		e, err := c.expression(x, at)
		if err != nil {
			c.faults.add(at, "%v", err)
			return true
		}
		if written, ok := writtenValue(e); ok {
			if text, isText := written.Text(); !isText {
				c.faults.add(at, "want string, found %s", found(x))
			} else if !httpfield.IsValue(text) {
				c.faults.add(at, "no header can have this value")
			}
		}
		e.reads(&r.reads)
		headers = append(headers, header{name, e})
		return true
	})
	return headers
}

// url reports a text that is not the URL of a configured host.
func (c *compiler) url(text, at string) {
	u, err := httpfield.ParseURL(text)
	switch {
	case err == httpfield.ErrWeb:
		c.faults.add(at, "want an http or https URL with a host, found %q", text)
	case err != nil:
		c.faults.add(at, "%q is no URL", text)
	case u.HasUser || u.HasFragment:
		c.faults.add(at, "a URL here has no user and no fragment, found %q", text)
	case c.env.Webhook != nil:
		if err := c.env.Webhook(u.Host); err != nil {
			c.faults.add(at, "%v", err)
		}
	}
}

// stores notes that the rule changes the value at a path.
func (r *Rule) stores(p *path) {
	r.writes.add(p.steps[0].key)
	r.reads.readBrackets(p.steps)
}
