package interleave

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// script is all that a client and an upstream do in one stream.
type script struct {
	route, token           string // names, for messages
	user, canary, other    string
	id, address            string
	headers                [][2]string
	pieces                 [][]byte
	trailers               [][2]string
	answer, answerTrailers [][2]string
	answerPieces           [][]byte
	early                  bool // the upstream answers when it has the headers
	remote                 bool // the token's key is fetched
	bearer                 string
	sign                   func(user string) string // makes the token; nil: there is none
	fates                  []fate
}

// fate says how the companion answers a call.
type fate uint8

const (
	good fate = iota
	twice
	unsealed
	unavailable
	unauthorized
	garbled
	empty
	late
	fates
	refused // of a group alone: a companion that knows none
)

// users have tokens that stay valid. Those of equal keys have equal lengths.
const users = 5

// cast makes scripts of random content.
type cast struct {
	rand   *rand.Rand
	number int
	tokens map[string]string
	last   *script
	routes []string // of this seed
	same   int      // the chance of a script like the one before, in percent
	now    func() time.Time
}

func newCast(seed uint64, now func() time.Time) *cast {
	c := &cast{rand: rand.New(rand.NewPCG(seed, 0)), tokens: map[string]string{}, now: now}
	// Seeds of few routes find more: what one request leaves behind has a meaning for the next.
	c.routes, c.same = slices.Concat(areas...), pick(c, 20, 50, 80)
	if seed%6 == 0 {
		c.same = 80
	}
	if area := int(seed) % (len(areas) + 1); area < len(areas) {
		c.routes = slices.Clone(areas[area])
		c.rand.Shuffle(len(c.routes), func(i, j int) { c.routes[i], c.routes[j] = c.routes[j], c.routes[i] })
		c.routes = c.routes[:1+c.rand.IntN(len(c.routes))]
	}
	return c
}

func (c *cast) chance(percent int) bool { return c.rand.IntN(100) < percent }

func pick[T any](c *cast, from ...T) T { return from[c.rand.IntN(len(from))] }

// newCanary returns a text that was not used before. All have one length.
func (c *cast) newCanary() string {
	c.number++
	return fmt.Sprintf("cn%06d", c.number)
}

// userName is the canary of a user that comes again.
func userName(n int) string { return fmt.Sprintf("cn9%05d", n) }

// signed returns the token of a user, always the same.
func (c *cast) signed(key, header, user, more string) string {
	role := "guest"
	if number(2, user) == 0 {
		role = "admin"
	}
	claims := fmt.Sprintf(`{"id":%q,"role":%q,"email":"%s@shop.example"%s}`, user, role, user, more)
	token, ok := c.tokens[key+header+claims]
	if !ok {
		var err error
		if token, err = harness.SignToken(key, claims, header, false); err != nil {
			panic(err)
		}
		c.tokens[key+header+claims] = token
	}
	return token
}

// forged returns a token that nobody has signed, of the same length.
func (c *cast) forged(token, another string) string {
	cut := strings.LastIndexByte(token, '.') + 1
	switch c.rand.IntN(4) {
	case 0:
		return token[:cut] + strings.Repeat("A", len(token)-cut)
	case 1: // another's signature
		return token[:cut] + another[strings.LastIndexByte(another, '.')+1:]
	case 2: // one bit of the signature's start
		return token[:cut] + flipped(token[cut:])
	}
	head := strings.IndexByte(token, '.') + 10 // one of the claims
	return token[:head] + flipped(token[head:])
}

func flipped(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}

// areas are requests that use the same memory. A seed has those of one area, or all.
var areas = [][]string{
	{
		"GET /open", "GET /closed", "GET /any", "GET /optional", "GET /ignore", "GET /claim", "GET /claim", "GET /partner", "GET /users/USER",
		"GET /users/OTHER", "GET /header", "GET /parameter?id=USER", "GET /parameter?id=OTHER", "GET /nowhere",
	},
	{"POST /body", "POST /force", "POST /encrypt", "POST /claim", "POST /tried", "POST /answered", "POST /querybody", "POST /webhook"},
	{"GET /mask", "GET /masknothing", "GET /maskmine", "GET /response", "GET /rows", "GET /asks", "POST /answered", "HEAD /mask", "GET /any"},
	{"GET /query", "POST /querybody", "GET /two", "GET /asks", "POST /webhook", "GET /triedquery"},
	{"GET /cached", "POST /cachedrow", "GET /hookcache"},
}

// script returns a script: often the one before with other texts of the same lengths,
// which come to the same places in memory, and with the same token, a forged one, or
// that of somebody else.
func (c *cast) script() *script {
	if c.last == nil || !c.chance(c.same) {
		c.last = c.newScript()
	} else {
		c.last = c.again(c.last)
	}
	return c.last
}

func (c *cast) again(before *script) *script {
	s := *before
	s.canary, s.token = c.newCanary(), before.token+", again"
	texts := []string{before.canary, s.canary}
	if before.sign != nil {
		switch c.rand.IntN(4) {
		case 0:
			s.user, s.other = before.other, before.user
			s.bearer, s.token = s.sign(s.user), s.token+" by another"
			texts = append(texts, before.user, before.other, before.other, before.user)
		case 1:
			s.bearer, s.token = c.forged(s.sign(s.user), s.sign(s.other)), s.token+" and forged"
		}
		texts = append([]string{before.bearer, s.bearer}, texts...)
	}
	r := strings.NewReplacer(texts...)
	fields := func(from [][2]string) (out [][2]string) {
		for _, f := range from {
			out = append(out, [2]string{f[0], r.Replace(f[1])})
		}
		return out
	}
	cut := func(from [][]byte) (out [][]byte) {
		text := r.Replace(string(slices.Concat(from...)))
		for _, piece := range from {
			out, text = append(out, []byte(text[:len(piece)])), text[len(piece):]
		}
		return out
	}
	s.id = "id-" + s.canary
	s.headers, s.pieces, s.trailers = fields(s.headers), cut(s.pieces), fields(s.trailers)
	s.answer, s.answerPieces, s.answerTrailers = fields(s.answer), cut(s.answerPieces), fields(s.answerTrailers)
	s.fates = c.fates()
	return &s
}

// fates are those of a stream's calls. Most are good.
func (c *cast) fates() (f []fate) {
	for range 3 {
		if c.chance(75) {
			f = append(f, good)
		} else {
			f = append(f, fate(c.rand.IntN(int(fates))))
		}
	}
	return f
}

func (c *cast) newScript() *script {
	s := &script{canary: c.newCanary(), other: userName(c.rand.IntN(users)), id: "", address: "192.0.2.1:5000"}
	s.user = userName(c.rand.IntN(users))
	if c.chance(25) {
		s.user = c.newCanary()
	}
	s.id = "id-" + s.canary
	method, target, _ := strings.Cut(pick(c, c.routes...), " ")
	s.route = method + " " + target
	target = strings.NewReplacer("USER", s.user, "OTHER", s.other).Replace(target)
	if c.chance(20) && !strings.Contains(target, "?") {
		target += "?q=" + s.canary
	}
	s.headers = [][2]string{{":authority", "shop.example"}, {":path", target}, {":method", method}, {":scheme", "http"}}
	named := pick(c, s.user, s.user, s.user, s.other)
	s.headers = append(s.headers, [2]string{"x-canary", s.canary}, [2]string{"x-user", named})
	if s.bearer = c.token(s); s.bearer != "" {
		s.headers = append(s.headers, [2]string{"authorization", "Bearer " + s.bearer})
	}
	if c.chance(10) {
		s.headers = append(s.headers, [2]string{"x-user_id", s.canary})
	}
	c.fill(s)
	if method == "POST" {
		body := fmt.Sprintf(`{"id":%q,"secret":"S-%s","pad":%q}`, named, s.canary, strings.Repeat(s.canary, c.size()))
		if c.chance(5) {
			body = body[:len(body)/2]
		}
		s.pieces = c.cut(body)
		s.headers = append(s.headers, [2]string{"content-type", "application/json"}, [2]string{"content-length", strconv.Itoa(len(body))})
		if c.chance(15) {
			s.trailers = [][2]string{{"x-end", s.canary}, {"x-user-id", s.canary}}
		}
	}
	s.headers = append(s.headers, [2]string{"x-request-id", s.id})
	c.respond(s, method)
	s.early = c.chance(10)
	s.fates = c.fates()
	return s
}

// fill adds headers up to the edges of the memory for them: 4 KiB, 24 KiB, 64 fields.
func (c *cast) fill(s *script) {
	switch {
	case c.chance(10):
		for i := range pick(c, 20, 55, 80) {
			s.headers = append(s.headers, [2]string{fmt.Sprintf("x-h%d", i), s.canary})
		}
	case c.chance(10):
		s.headers = append(s.headers, [2]string{"cookie", "c=" + strings.Repeat(s.canary, pick(c, 40, 450, 520, 3200))})
	}
	if c.chance(50) {
		slices.SortStableFunc(s.headers, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	}
}

// token returns the token of a request, "" for none.
func (c *cast) token(s *script) string {
	key, header, more := "own", "", ""
	n := c.rand.IntN(100)
	if s.route == "GET /ignore" && n >= 20 && n < 35 {
		n = 99 // a token whose key is not there counts as none: so the answer may be another
	}
	switch {
	case n < 10:
		s.token = "none"
		return ""
	case strings.Contains(s.route, "/partner") || n < 20:
		key, header, s.token = "rsa", `{"kid":"partner"}`, "partner"
	case n < 30:
		key, header, more, s.token, s.remote = "other-rsa", `{"kid":"fetched"}`, `,"iss":"https://id.example"`, "fetched key", true
	case n < 35:
		key, header, more, s.token, s.remote = "ec", `{"kid":"rotated"}`, `,"iss":"https://id.example"`, "rotated key", true
	case n < 45:
		more, s.token = fmt.Sprintf(`,"exp":%d`, c.now().Add(time.Duration(c.rand.IntN(90)-30)*time.Second).Unix()), "exp"
	case n < 50:
		key, s.token = "stranger", "stranger"
	default:
		s.token = "own"
	}
	s.sign = func(user string) string { return c.signed(key, header, user, more) }
	if c.chance(20) {
		s.token += ", forged"
		return c.forged(s.sign(s.user), s.sign(s.other))
	}
	return s.sign(s.user)
}

// size returns how often a canary is repeated in a body. Rooms for bodies have 16 KiB.
func (c *cast) size() int {
	return pick(c, 0, 0, 1, 5, 20, 120, 1900, 2100)
}

// cut cuts a body in up to four pieces.
func (c *cast) cut(body string) (pieces [][]byte) {
	for c.chance(50) && len(body) > 1 && len(pieces) < 3 {
		n := 1 + c.rand.IntN(len(body)-1)
		pieces, body = append(pieces, []byte(body[:n])), body[n:]
	}
	return append(pieces, []byte(body))
}

// respond writes the upstream's response.
func (c *cast) respond(s *script, method string) {
	owner := pick(c, s.user, s.user, s.other)
	var rows []string
	for i := range c.rand.IntN(4) {
		rows = append(rows, fmt.Sprintf(`{"owner":%q,"n":%d,"secret":"R-%s"}`, pick(c, s.user, s.other), i, s.canary))
	}
	body := fmt.Sprintf(`{"owner":%q,"secret":"S-%s","rows":[%s],"pad":%q}`, owner, s.canary, strings.Join(rows, ","), strings.Repeat(s.canary, c.size()))
	switch {
	case c.chance(4):
		body = body[:len(body)-2]
	case c.chance(4):
		body = ""
	}
	s.answer = [][2]string{{":status", pick(c, "200", "200", "200", "404")}, {"content-type", "application/json"}, {"x-echo", s.canary}, {"etag", `"` + s.canary + `"`}}
	if c.chance(30) { // longer than the request's
		s.answer = append(s.answer, [2]string{"server-timing", strings.Repeat(s.canary, pick(c, 20, 60, 500))})
	}
	if method != "HEAD" && body != "" {
		s.answerPieces = c.cut(body)
		if c.chance(15) {
			s.answerTrailers = [][2]string{{"x-end", s.canary}, {"digest", s.canary}}
		}
	}
}
