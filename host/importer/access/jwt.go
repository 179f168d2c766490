package access

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

// Location is a place of tokens in a request: one of Header, Query and Cookie is set.
type Location struct {
	Header, Prefix string
	Query          string
	Cookie         string
}

// DefaultLocations are those of Envoy's jwt_authn.
var DefaultLocations = []Location{{Header: "authorization", Prefix: "Bearer "}, {Query: "access_token"}}

// Provider is an issuer of tokens.
type Provider struct {
	Name      string
	Metadata  string // the key of its claims in the metadata of jwt_authn; "": none
	Issuer    string // "": any
	Audiences []string
	Keys      *yaml.Node // jwks of the policy
	From      []Location // nil: DefaultLocations
	Subject   *Text      // nil: any
	// Split are the claims whose words, with one space between them, are an array.
	Split         []string
	Forward       bool // the token stays in the request
	ClaimHeaders  [][2]string
	PayloadHeader string // gets the claims in the original, and is removed here
	Skew          int    // seconds
	NeedsExpiry   bool
	// Ran holds where the original looks at the provider's tokens; nil: always.
	Ran *Expr
	// Refused says why tokens of the provider cannot be accepted as the original does;
	// "": they can.
	Refused string
	At      string
}

func (p *Provider) locations() []Location {
	if len(p.From) == 0 {
		return DefaultLocations
	}
	return p.From
}

// Providers are all of a policy.
type Providers struct {
	List []*Provider
}

// Find returns the provider of a name, nil when there is none.
func (x *Providers) Find(name string) *Provider {
	for _, p := range x.List {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// refuse marks the providers whose tokens no rule can tell from those of others.
func (x *Providers) refuse() {
	for i, p := range x.List {
		for _, o := range x.List[:i] {
			switch {
			case p.Issuer == "" || o.Issuer == "":
				p.refused("several providers, and " + o.Name + " or this one has no issuer: a rule cannot tell their tokens apart")
				o.refused("several providers, and " + p.Name + " or this one has no issuer: a rule cannot tell their tokens apart")
			case p.Issuer == o.Issuer && !(sameNode(p.Keys, o.Keys) && slices.Equal(p.Audiences, o.Audiences)):
				p.refused("the issuer of " + o.Name + " too: a rule cannot tell their tokens apart")
				o.refused("the issuer of " + p.Name + " too: a rule cannot tell their tokens apart")
			}
		}
		for _, l := range p.locations() {
			if l.Cookie != "" && len(x.List) > 1 {
				p.refused("a token in a cookie: where there are several providers, a rule cannot tell which one it is for")
			}
			if l.Header != "" && HeaderPath(l.Header) == "" {
				p.refused("a token in the header " + l.Header + ", which no rule can read")
			}
		}
	}
}

func (p *Provider) refused(why string) {
	if p.Refused == "" {
		p.Refused = why
	}
}

func sameNode(a, b *yaml.Node) bool {
	if a == nil || b == nil || a.Kind != b.Kind || a.Value != b.Value || len(a.Content) != len(b.Content) {
		return a == b
	}
	for i := range a.Content {
		if !sameNode(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// ruleName is the name of the rule that holds where a token of a provider was verified.
func ruleName(p *Provider) string { return "token of " + p.Name }

// Verified holds for a request with a verified token of the provider, in a place where
// the provider looks for it.
func (x *Providers) Verified(p *Provider) Cond {
	if p.Refused != "" {
		return Cond{Never, Always}
	}
	return Cond{Use(ruleName(p)), Always}
}

func claimsName(p *Provider) string { return "claims of " + p.Name }

// Claimed is Verified for the claims of a token: they are there where the original has
// looked at it.
func (x *Providers) Claimed(p *Provider) Cond {
	switch {
	case p.Refused != "" || p.Ran != nil && p.Ran.IsNever():
		return Cond{Never, Always}
	case p.Ran == nil || p.Ran.IsAlways():
		return x.Verified(p)
	}
	return Cond{Use(claimsName(p)), Always}
}

// rule is the rule of Verified.
func (x *Providers) rule(p *Provider) *Expr {
	parts := []*Expr{Exists("args.auth"), Exists("args.token"), Use(registeredName)}
	if len(x.List) > 1 {
		parts = append(parts, Match("string", "==", "args.auth.iss", Literal(p.Issuer)))
	}
	if p.Subject != nil {
		parts = append(parts, p.Subject.Of("args.auth.sub").Under)
	}
	var places []*Expr
	for _, l := range p.locations() {
		switch {
		case l.Header != "":
			value := "args.token"
			if l.Prefix != "" {
				value = "utils.concat(" + quotedText(l.Prefix) + ", args.token)"
			}
			path := HeaderPath(l.Header)
			places = append(places, And(Exists(path), Match("string", "==", path, importer.Text(value))))
		case l.Query != "":
			path := queryPath(l.Query)
			places = append(places, And(Exists(path), Match("string", "==", path, importer.Text("args.token"))))
		default:
			places = append(places, Always)
		}
	}
	return And(append(parts, Or(places...))...)
}

// registeredName is the rule that holds for the claims of RFC 7519, section 4.1, of the
// types that jwt_authn wants: it refuses other tokens.
const registeredName = "registered claims"

func registered() *Expr {
	var parts []*Expr
	text := func(path string) *Expr { return Match("string", "==", path, importer.Text(path)) }
	for _, name := range []string{"iss", "sub", "jti"} {
		parts = append(parts, text("utils.default("+ClaimPath([]string{name})+", '')"))
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		seconds := "utils.default(" + ClaimPath([]string{name}) + ", 0)"
		parts = append(parts, Match("number", ">=", seconds, importer.Int(0)), Match("number", "<=", seconds, importer.Int(1<<53)))
	}
	aud := ClaimPath([]string{"aud"})
	texts := &Expr{op: leaf, rule: ruleOf("every", "field", aud, "clause", text("item").Rule())}
	return And(append(parts, Or(text("utils.default("+aud+", '')"), texts))...)
}

func queryPath(name string) string { return "args.request.query" + quotedKey(name) }

// quotedText is a text as the argument of a function.
func quotedText(s string) string {
	if strings.Contains(s, "'") {
		return `"` + s + `"`
	}
	return "'" + s + "'"
}

// Tokenless holds for a request that has nothing where tokens may be.
func (x *Providers) Tokenless() *Expr {
	var parts []*Expr
	seen := map[string]bool{}
	for _, p := range x.List {
		for _, l := range p.locations() {
			path := ""
			switch {
			case l.Header != "":
				path = HeaderPath(l.Header)
			case l.Query != "":
				path = queryPath(l.Query)
			default:
				path = "args.request.headers.cookie"
			}
			if path != "" && !seen[path] {
				seen[path] = true
				parts = append(parts, Not(Exists(path)))
			}
		}
	}
	return And(parts...)
}

// Claim is a condition for a claim of a verified token. Over also holds for a request
// whose token was not taken here, and may be taken by the original.
func (x *Providers) Claim(verified Cond, keys []string, value func(path string) Cond) Cond {
	path := ClaimPath(keys)
	if path == "" {
		return Cond{Never, Always}
	}
	c := value(path)
	unclear := And(Not(Exists("args.auth")), Not(x.Tokenless()))
	return Cond{
		Under: And(verified.Under, Exists(path), c.Under),
		Over:  Or(And(Exists("args.auth"), Exists(path), c.Over), unclear),
	}
}

// auth writes the section `auth`.
func (x *Providers) auth(d *importer.Draft) {
	if len(x.List) == 0 {
		return
	}
	auth := importer.Section(d.Policy, "auth")
	tokens, from := importer.List(), importer.List()
	seen := map[Location]bool{}
	skew, expiry, forward := -1, false, true
	headers := importer.Object()
	for _, p := range x.List {
		if p.Refused != "" {
			d.Report.Add(importer.Item{Outcome: importer.ToDecide, At: p.At, Part: "provider " + p.Name, Reason: "its tokens are refused: " + p.Refused})
			importer.Ask(importer.NameOf(d.Policy, "auth"), "tokens of provider "+p.Name+" are refused: "+p.Refused)
			continue
		}
		entry := importer.Object(importer.Text("name"), importer.Text(p.Name), importer.Text("jwks"), clone(p.Keys))
		if p.Issuer != "" {
			importer.Set(entry, "issuer", importer.TextList(p.Issuer))
		}
		if len(p.Audiences) > 0 {
			importer.Set(entry, "audience", importer.TextList(p.Audiences...))
		}
		tokens.Content = append(tokens.Content, entry)
		for _, l := range p.locations() {
			if seen[l] {
				continue
			}
			seen[l] = true
			from.Content = append(from.Content, l.node())
		}
		if skew < 0 || p.Skew < skew {
			skew = p.Skew
		}
		expiry, forward = expiry || p.NeedsExpiry, forward && p.Forward
		for _, h := range p.ClaimHeaders {
			importer.Set(headers, h[0], importer.Text(h[1]))
		}
		reason := "exact"
		if len(p.Audiences) > 0 {
			reason = "stricter: an audience is compared to the letter, and a token with a kid needs a key with it"
		}
		d.Report.Add(importer.Item{Outcome: importer.CarriedOver, At: p.At, Part: "provider " + p.Name, Reason: reason})
	}
	if len(tokens.Content) == 0 {
		importer.Set(auth, "tokens", tokens)
		return
	}
	importer.Set(auth, "tokens", tokens)
	importer.Set(auth, "from", from)
	importer.Set(auth, "leeway", importer.Text(strconv.Itoa(max(skew, 0))+"s"))
	if expiry {
		importer.Set(auth, "requireExpiry", importer.True())
	}
	if len(headers.Content) > 0 {
		importer.Set(auth, "claimsToHeaders", headers)
	}
	if !forward {
		importer.Set(auth, "forward", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"})
	}
}

func (l Location) node() *yaml.Node {
	switch {
	case l.Header != "":
		return importer.Object(importer.Text("header"), importer.Text(l.Header), importer.Text("prefix"), importer.Text(l.Prefix))
	case l.Query != "":
		return importer.Object(importer.Text("query"), importer.Text(l.Query))
	}
	return importer.Object(importer.Text("cookie"), importer.Text(l.Cookie))
}
