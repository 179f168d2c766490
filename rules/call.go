package rules

import (
	"errors"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// CallKind is the kind of a Call.
type CallKind uint8

const (
	Query CallKind = iota + 1
	Webhook
	// Introspect asks the issuer of UserToken about it (RFC 7662). No rule makes it.
	Introspect
)

func (k CallKind) String() string {
	switch k {
	case Query:
		return "query"
	case Webhook:
		return "webhook"
	case Introspect:
		return "introspect"
	}
	return "none"
}

// DefaultLimit is the greatest number of rows that a query brings.
const DefaultLimit = 100

// Call is a question that a rule asks another service.
type Call struct {
	ID    string // of the clause and Input.Element; the same in each run
	Kind  CallKind
	Cache time.Duration // the greatest age of a reply; 0: it must be new

	DB, Col string
	Find    value.Value // with its references resolved; Missing: every row
	Limit   int         // the greatest number of rows
	Columns []string    // the columns that the rule reads, in order; nil: all, empty: none, only the number of rows

	URL       string
	Body      value.Value // JSON
	Claims    value.Value // of a token to mint; Missing: UserToken is sent
	UserToken string      // "": without Authorization
	Headers   [][2]string // names and values, beside those of every webhook

	ClientID string // of Introspect: it names the issuer's client, with URL
}

// Reply is the answer to the Call with its ID.
type Reply struct {
	ID     string
	Age    time.Duration // when the call was received
	Rows   value.Value   // of a query: an array of objects
	Status int           // of a webhook or an introspection
	Body   string        // of a webhook or an introspection, as received
	Err    string        // set when the call failed: a short phrase for the log
}

// Replies finds the reply to a call. False: there is none yet.
type Replies interface {
	Reply(c *Call) (Reply, bool)
}

// Memo is Replies by Call.ID.
type Memo map[string]Reply

func (m Memo) Reply(c *Call) (Reply, bool) {
	r, ok := m[c.ID]
	return r, ok
}

// ask finds the reply to a call. Without one, the call is added to those to make;
// ok is false where res decides.
func (r *run) ask(asked *Call) (reply Reply, res result, ok bool) {
	r.call = *asked
	c := &r.call
	if r.in.Element != "" {
		c.ID = r.in.Element + "/" + c.ID
	}
	most := r.in.MaxCalls
	if most == 0 {
		most = DefaultCalls
	}
	r.made++
	if r.made > most {
		r.made--
		if r.ahead {
			return reply, waiting, false // the call may never be needed
		}
		r.tooMany = true
		return reply, unknown("more calls than " + strconv.Itoa(most)), false
	}
	reply, ok = r.replies.Reply(c)
	if r.traced() {
		r.asked(c, reply, ok)
	}
	if !ok {
		r.calls = append(r.calls, *c)
		return reply, waiting, false
	}
	if reply.Err != "" {
		return reply, result{outcome: Unknown, failed: true, reason: c.Kind.String() + " failed: " + reply.Err}, false
	}
	return reply, result{}, true
}

// keepReply stores a reply at the place that the rule names.
func (r *run) keepReply(at *path, v value.Value) (result, bool) {
	keys, res := at.keys(r)
	if keys == nil {
		return res, false
	}
	args, o := r.args.Set(keys, v)
	if o != value.Free {
		return obstructed(o, at), false
	}
	r.args = args
	return result{}, true
}

type query struct {
	id      string
	db, col string
	find    *template // nil: every row
	clause  *Rule     // nil: at least one row
	store   *path
	limit   int
	columns []string // nil: all
	cache   time.Duration
}

func (q *query) run(r *run) result {
	c := Call{ID: q.id, Kind: Query, DB: q.db, Col: q.col, Limit: q.limit, Columns: q.columns, Cache: q.cache}
	if q.find != nil {
		find, err := q.find.value(r)
		switch {
		case err != nil:
			return unknown("find: " + err.Error())
		case find.Kind() == value.Pending:
			return waiting
		}
		c.Find = find
	}
	reply, res, ok := r.ask(&c)
	if !ok {
		return res
	}
	if !isRows(reply.Rows) {
		return result{outcome: Unknown, failed: true, reason: "query failed: the reply is no array of rows"}
	}
	if res, ok := r.keepReply(q.store, reply.Rows); !ok {
		return res
	}
	if q.clause != nil {
		return q.clause.run(r)
	}
	if reply.Rows.Len() == 0 {
		return result{outcome: No, reason: "no row of " + q.col + " fits"}
	}
	return yes
}

func isRows(v value.Value) bool {
	rows := v.Kind() == value.Array
	v.Each(func(_ string, row value.Value) bool {
		rows = rows && row.Kind() == value.Object
		return rows
	})
	return rows
}

type webhook struct {
	id      string
	url     string
	store   *path
	claims  *template // nil: the user's token
	body    *template // nil: args
	headers []header
	cache   time.Duration
}

// header is a header of a webhook.
type header struct {
	name  string
	value expression
}

// maxReplyDepth bounds the nesting of a webhook's JSON reply.
const maxReplyDepth = 64

func (w *webhook) run(r *run) result {
	if r.ahead {
		return waiting
	}
	c := Call{ID: w.id, Kind: Webhook, URL: w.url, UserToken: r.in.Token, Cache: w.cache}
	if w.claims != nil {
		claims, err := w.claims.value(r)
		switch {
		case err != nil:
			return unknown("claims: " + err.Error())
		case claims.Kind() == value.Pending:
			return waiting
		}
		c.Claims, c.UserToken = claims, ""
	}
	body, err := w.payload(r)
	switch {
	case err != nil:
		return unknown("body: " + err.Error())
	case body.Kind() == value.Pending:
		return waiting
	}
	c.Body = body
	headers, res := w.fields(r)
	if res.outcome != Yes {
		return res
	}
	c.Headers = headers
	reply, res, ok := r.ask(&c)
	switch {
	case !ok:
		return res
	case Refuses(reply.Status):
		return result{outcome: No, reason: "the webhook answered " + strconv.Itoa(reply.Status)}
	case reply.Status < 200 || reply.Status > 299:
		return result{outcome: Unknown, failed: true, reason: "webhook failed: it answered " + strconv.Itoa(reply.Status)}
	}
	if v, err := value.Parse(reply.Body, maxReplyDepth); err == nil {
		if res, ok := r.keepReply(w.store, v); !ok {
			return res
		}
	}
	return yes
}

// Refuses reports whether a status is the webhook's no. The other statuses above
// 299 say nothing of the request: the URL may be wrong, or the service busy.
func Refuses(status int) bool {
	switch status {
	case 404, 405, 408, 421, 425, 429:
		return false
	}
	return status >= 400 && status < 500
}

// fields resolves the headers.
func (w *webhook) fields(r *run) (headers [][2]string, res result) {
	pending := false
	for _, h := range w.headers {
		v, err := h.value.value(r)
		if err != nil {
			return nil, unknown("headers: " + err.Error())
		}
		if v.Kind() == value.Pending {
			pending = true
			continue
		}
		text, ok := v.Text()
		switch {
		case !ok:
			return nil, unknown("headers: " + wrongType(h.value.source(), "string", v).Error())
		case !httpfield.IsValue(text):
			return nil, unknown("headers: no header can have the value of " + h.value.source())
		}
		headers = append(headers, [2]string{h.name, text})
	}
	if pending {
		return nil, waiting
	}
	return headers, yes
}

// payload returns the body of the request to the webhook.
func (w *webhook) payload(r *run) (value.Value, error) {
	args := r.args
	defer func() { r.args = args }()
	r.args = withoutHeaders(args, r.in.TokenPlaces.APIKeys)
	if w.claims != nil {
		r.args = r.in.withoutToken(r.args)
	}
	body, err := w.unguardedPayload(r)
	if err == nil && r.in.holdsAPIKey(body) {
		err = errors.New("it would hold the API key")
	}
	if err == nil && w.claims != nil && r.in.holdsToken(body) {
		err = errors.New("it would hold the user's token, beside claims of the rule's own")
	}
	return body, err
}

func (w *webhook) unguardedPayload(r *run) (value.Value, error) {
	if w.body != nil {
		return w.body.value(r)
	}
	pending := false
	r.args.Each(func(_ string, v value.Value) bool { pending = v.Kind() == value.Pending; return !pending })
	switch {
	case pending:
		return value.PendingValue, nil
	case r.args.Kind() == value.Missing:
		return value.Obj(), nil
	}
	return withoutHeaders(r.args, secretHeaders), nil
}
