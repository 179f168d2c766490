package rules

import (
	"net/url"

	"github.com/rulegate/rulegate/rules/value"
)

func (c *compiler) query(r *Rule, spec value.Value, place string) clause {
	q := &query{id: place, limit: DefaultLimit}
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
	w := &webhook{id: place, url: c.text(spec, place, "url")}
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

// url reports a text that is not the URL of a configured host.
func (c *compiler) url(text, at string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		c.faults.add(at, "%q is no URL", text)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Hostname() == "":
		c.faults.add(at, "want an http or https URL with a host, found %q", text)
	case u.User != nil || u.Fragment != "":
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
	r.reads.readBrackets(p)
}
