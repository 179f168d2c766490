package lint

// Code names a kind of warning.
type Code string

// The codes. They are part of the policy file: see Explain.
const (
	UnreadCapture  Code = "unread-capture"
	OrAllow        Code = "or-allow"
	AllowAll       Code = "allow-all"
	Unreachable    Code = "unreachable"
	ConstantGuard  Code = "constant-guard"
	JWKSAudience   Code = "jwks-audience"
	ShortSecret    Code = "short-secret"
	WrittenSecret  Code = "written-secret"
	BearerPrefix   Code = "bearer-prefix"
	TokenInQuery   Code = "token-in-query"
	OptionalInput  Code = "optional-input"
	ContainsRole   Code = "contains-role"
	QueryParams    Code = "query-params"
	AESCFB         Code = "aes-cfb"
	PlainHTTP      Code = "plain-http"
	NoRule         Code = "no-rule"
	UnusedDefine   Code = "unused-define"
	NothingCovered Code = "nothing-covered"
	NoTokenKey     Code = "no-token-key"
	CookieOrigins  Code = "cookie-origins"
	CORSHeaders    Code = "cors-headers"
	Todo           Code = "todo" // given by the command: it is about a comment
	UnsharedKeys   Code = "unshared-keys"
	LogsNothing    Code = "logs-nothing"
	InShadow       Code = "in-shadow"
)

// explanations say, for each code, why there is a warning and how to change the policy.
var explanations = []struct {
	code Code
	text string
}{
	{UnreadCapture, `A variable of the route's path names a tenant or an owner, and the rule does not
read it. Everybody whom the rule lets through can then put another tenant's name
into the path. Compare the variable with a claim:
  {rule: match, type: string, eval: "==", f1: args.request.vars.tenant, f2: args.auth.tenant}`},
	{OrAllow, `A branch of an or is always yes, so the or is always yes and its other branches
decide nothing. Remove the allow, or the or.`},
	{AllowAll, `A route for all paths of a host lets every request through, also to paths that the
upstream gets later. Name the paths that are public, such as /assets/{rest...}.`},
	{Unreachable, `The clause before it is always no, so this clause is never evaluated.`},
	{ConstantGuard, `The clause of this action is always yes, or always no. Remove the clause, or the
action.`},
	{JWKSAudience, `The issuer of a JWK set signs tokens for many applications. Without audience, a
token for another application of the same issuer is accepted. Add
  audience: [the name of this API at the issuer]`},
	{ShortSecret, `A secret of less than 32 bytes can be guessed from a single token (RFC 7518,
section 3.2). Use 32 random bytes or more: openssl rand -base64 32.`},
	{WrittenSecret, `A secret in the policy file is read by everybody who reads the file and its
history. Put it into a variable, "${NAME}", or into a file, "${file:path}".`},
	{BearerPrefix, `The prefix is everything before the token, its space included. With prefix: Bearer
the token would begin with a space, and each token would be refused. Write
prefix: "Bearer ".`},
	{TokenInQuery, `URLs are kept in logs, in browsers' histories and in Referer headers, and their
tokens with them. Use a header or a cookie.`},
	{OptionalInput, `The clause of this action reads a header, a parameter or a member of the body that
a request need not have. Where it is missing the clause is unknown, and the
request is denied. Ask first whether it is there:
  {rule: match, type: bool, eval: "==", f1: utils.exists(args.request.headers.x-env), f2: true}
or give a default: utils.default(args.request.headers.x-env, '').`},
	{ContainsRole, `contains looks for a part of a text: superadmin contains admin. Compare whole roles
or scopes: eval: in with an array, or with utils.split(args.auth.scope, ' ').`},
	{QueryParams, `For GET, HEAD and DELETE args.params holds the query parameters. These are strings,
without members: read them at the first level, and make numbers of them with
utils.number.`},
	{AESCFB, `aes-cfb, which existing Space Cloud data has, is not authenticated, and equal
values stay equal. For new data set algorithm: aes-gcm.`},
	{PlainHTTP, `Without TLS everybody on the way can read what is sent, and change what comes
back. Use https.`},
	{NoRule, `The entry has no rule, so all requests to it are denied.`},
	{UnusedDefine, `No rule uses this one. Remove it, or check the name in {rule: use, of: …}.`},
	{NothingCovered, `The policy has no rule, so all requests are denied.`},
	{NoTokenKey, `The rule needs a token, and auth.tokens has no key that could verify one.`},
	{CookieOrigins, `Browsers send cookies with the requests of any page. So a cookie's token is accepted
only for methods that change nothing, unless origins lists the pages that may send
other requests.`},
	{CORSHeaders, `A browser sends a header such as authorization to another origin only if the answer
to its preflight lists it. The rules need a token, which comes in a header that
cors.headers does not list, so no page of another origin can send one. Add
  headers: [authorization, content-type]`},
	{Todo, `rulegate import has left a question above this part of the policy. A rule that it
could not translate denies until then; its old text stands in the comment. Write
what you want, then remove the comment.`},
	{UnsharedKeys, `The workers of a proxy share the key sets that they fetch, if the policy has a secret
to authenticate them with: companion.secret, an HS key, a private key or
crypto.aesKey. Without one each worker fetches for itself: an issuer gets as many
requests as there are workers, and a worker that starts while it is down has no
keys. Add
  companion: {secret: "${COMPANION_SECRET}"}`},
	{InShadow, `mode: shadow decides, logs and counts, and lets every request through as it came: no
request is refused, nothing is masked. That is for trying a policy beside another
protection. Remove the mode once the log shows what you expect.`},
	{LogsNothing, `The section log names neither a sample nor an outcome, so no line is ever written.
Remove it, or add
  always: [no, unknown, error]`},
}

// Codes lists all codes. The list is apart from the explanations, which the
// module does not need.
func Codes() []string {
	return []string{
		string(UnreadCapture), string(OrAllow), string(AllowAll), string(Unreachable), string(ConstantGuard), string(JWKSAudience),
		string(ShortSecret), string(WrittenSecret), string(BearerPrefix), string(TokenInQuery), string(OptionalInput),
		string(ContainsRole), string(QueryParams), string(AESCFB), string(PlainHTTP), string(NoRule), string(UnusedDefine),
		string(NothingCovered), string(NoTokenKey), string(CookieOrigins), string(CORSHeaders), string(UnsharedKeys),
		string(LogsNothing), string(InShadow),
	}
}

// Explain says why there is a warning of this code and how to change the policy; ok is
// false for an unknown code.
func Explain(code string) (text string, ok bool) {
	for _, e := range explanations {
		if string(e.code) == code {
			return e.text, true
		}
	}
	return "", false
}
