package decide

import (
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// requestArgs returns args.request, with the members that a rule may read. It fails
// for a query that servers could read differently, whichever members they are.
func (r *Request) requestArgs() (value.Value, error) {
	h, rooms, reads := &r.head, r.rooms(), &r.resource.Request
	var query []httpfield.Pair
	if h.query != "" {
		var err error
		if query, err = r.parseQuery(r.resource.Query); err != nil {
			return value.Value{}, lightfmt.Errorf("query: %w", err)
		}
	}
	ms := rooms.request[:0]
	add := func(name string, v value.Value) { ms = append(ms, value.Member{Key: name, Value: v}) }
	if reads.Has("method") {
		add("method", value.Str(h.method))
	}
	if reads.Has("scheme") {
		add("scheme", value.Str(h.trueScheme()))
	}
	if reads.Has("host") {
		add("host", value.Str(h.host))
	}
	if reads.Has("path") {
		add("path", value.Str(h.path))
	}
	if reads.Has("vars") {
		add("vars", rooms.vars.Obj(r.vars))
	}
	if reads.Has("query") {
		add("query", rooms.query.of(query))
	}
	if reads.Has("headers") {
		add("headers", withoutBinary(rooms.headers.ofFields(h.fields), h.fields))
	}
	if r.properties != nil && reads.Has("ip") {
		if ip := r.properties.ClientIP(); ip != "" {
			add("ip", value.Str(ip))
		}
	}
	if reads.Has("id") {
		if id := h.value("x-request-id"); id != "" && utf8.ValidString(id) {
			add("id", value.Str(id))
		}
	}
	return rooms.whole.Obj(ms), nil
}

// trueScheme is the scheme of the connection, which the proxy writes into
// x-forwarded-proto: a client of HTTP/2 may send any :scheme.
func (h *head) trueScheme() string {
	if p := h.value("x-forwarded-proto"); p == "http" || p == "https" {
		return p
	}
	return h.scheme
}

// withoutBinary removes the headers with bytes that are no UTF-8 (RFC 9110, section
// 5.5).
func withoutBinary(headers value.Value, fields [][2]string) value.Value {
	for _, f := range fields {
		if !utf8.ValidString(f[1]) {
			headers = headers.Without(f[0])
		}
	}
	return headers
}

// rooms are memory for args.request, for args.params of a query, and for the body.
type rooms struct {
	request [9]value.Member
	whole   value.Room // of args.request
	vars    value.Room
	query   room
	headers room
	params  room
	pairs   []httpfield.Pair
	body    *value.Opener // nil: it was not needed yet
}

// rooms returns the request's rooms. Most rules need none.
func (r *Request) rooms() *rooms {
	if r.argsRooms == nil {
		r.argsRooms = new(rooms)
	}
	return r.argsRooms
}

// clear drops all that the rooms hold, but for some of the memory.
func (r *rooms) clear() {
	if r.body != nil {
		r.body.Clear()
	}
	*r = rooms{query: r.query.cleared(), headers: r.headers.cleared(), params: r.params.cleared(), pairs: emptied(r.pairs), body: r.body}
}

// room is memory for an object of texts.
type room struct {
	members []value.Member
	object  value.Room
}

func (r *room) cleared() room { return room{members: emptied(r.members)} }

// emptied returns a list's memory for the next request, without its content.
func emptied[T any](list []T) []T {
	if cap(list) > maxKept {
		return nil
	}
	clear(list)
	return list[:0]
}

// of returns the pairs as args shows them: a repeated name has an array.
func (r *room) of(ps []httpfield.Pair) value.Value {
	g := grouped{members: emptied(r.members)}
	for i := range ps {
		g.add(ps[i].Name, ps[i].Value)
	}
	return r.take(&g)
}

// ofFields does the same for fields.
func (r *room) ofFields(fields [][2]string) value.Value {
	g := grouped{members: emptied(r.members)}
	for i := range fields {
		g.add(fields[i][0], fields[i][1])
	}
	return r.take(&g)
}

func (r *room) take(g *grouped) value.Value {
	g.join()
	r.members = g.members
	return r.object.Obj(g.members)
}
