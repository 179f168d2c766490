package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

// requestFlags describe a request, its user and the answers of databases and webhooks.
// Their names are those of the members of a test in a test file.
type requestFlags struct {
	as, token, active    string
	host, scheme, ip     string
	peer, now            string
	headers              []string
	query, cookies, form []string
	json, body           string
	data, webhooks       []string
	response             string
	responseStatus       int
	responseHeaders      []string
}

func (f *requestFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.as, "as", "", "the user: claims as `JSON` (default nobody, without a token)")
	flags.StringVar(&f.token, "token", "", "a `token` that the policy's keys verify, sent at the policy's first place of tokens")
	flags.StringVar(&f.active, "active", "", "what the issuer says of an opaque --token: its claims as `JSON` (default that it is not active)")
	flags.StringArrayVar(&f.headers, "header", nil, "a header, `'NAME: value'`; may be repeated")
	flags.StringArrayVar(&f.query, "query", nil, "a query parameter, `NAME=value`, added to the path; may be repeated")
	flags.StringArrayVar(&f.cookies, "cookie", nil, "a cookie, `NAME=value`; may be repeated")
	flags.StringVar(&f.json, "json", "", "the body: `JSON`, or a file with JSON")
	flags.StringArrayVar(&f.form, "form", nil, "a field of a form in the body, `NAME=value`; may be repeated")
	flags.StringVar(&f.body, "body", "", "the body, as `text`; its content-type is a --header")
	flags.StringVar(&f.host, "host", "", "the `host` (default localhost)")
	flags.StringVar(&f.scheme, "scheme", "", "`http` or https (default http)")
	flags.StringVar(&f.ip, "ip", "", "the `address` of the client (default 127.0.0.1)")
	flags.StringVar(&f.peer, "peer", "", "the client certificate that the proxy verified, as `JSON`: {\"uriSan\": …}")
	flags.StringVar(&f.now, "now", "", "the `time` of the request, in RFC 3339 (default now)")
	flags.StringArrayVar(&f.data, "data", nil, "what queries find: a `file` with rows by database.collection, or database.collection=FILE or =JSON; may be repeated")
	flags.StringArrayVar(&f.webhooks, "webhooks", nil, "a `file` with the answers of webhooks by URL, or URL=JSON; may be repeated")
	flags.StringVar(&f.response, "response", "", "the body of the upstream's response: `JSON`, or a file")
	flags.IntVar(&f.responseStatus, "response-status", 0, "the `status` of the upstream's response (default 200)")
	flags.StringArrayVar(&f.responseHeaders, "response-header", nil, "a header of the upstream's response, `'NAME: value'`; may be repeated")
}

// requestFlagNames are the names of the flags.
var requestFlagNames = []string{
	"as", "token", "active", "header", "query", "cookie", "json", "form", "body", "host", "scheme", "ip", "peer", "now",
	"data", "webhooks", "response", "response-status", "response-header",
}

// used returns the name of a flag that was given, "" if none was.
func (f *requestFlags) used(cmd *cobra.Command) string {
	i := slices.IndexFunc(requestFlagNames, cmd.Flags().Changed)
	if i < 0 {
		return ""
	}
	return requestFlagNames[i]
}

// question is the request of the command line, as a document with one test.
type question struct {
	top, test []value.Member
	err       error
}

func (q *question) set(name string, v value.Value) { q.test = append(q.test, member(name, v)) }

func (q *question) fail(flag string, format string, args ...any) {
	if q.err == nil {
		q.err = usagef("--%s: %w", flag, fmt.Errorf(format, args...))
	}
}

// build returns the request that the flags describe.
func (f *requestFlags) build(method, path string, file *loadedFile) (*simulate.Request, error) {
	q := &question{}
	q.set("request", value.Str(method+" "+path))
	f.user(q)
	for _, t := range []struct{ name, text string }{{"host", f.host}, {"scheme", f.scheme}, {"ip", f.ip}} {
		if t.text != "" {
			q.set(t.name, value.Str(t.text))
		}
	}
	now := f.now
	if now == "" {
		now = time.Now().UTC().Format(time.RFC3339Nano)
	}
	q.set("now", value.Str(now))
	if f.peer != "" {
		q.set("peer", q.parse("peer", f.peer))
	}
	q.pairs("headers", "header", ":", f.headers)
	q.pairs("query", "query", "=", f.query)
	q.pairs("cookies", "cookie", "=", f.cookies)
	q.pairs("form", "form", "=", f.form)
	if f.json != "" {
		q.set("json", q.jsonOrFile("json", f.json))
	}
	if f.body != "" {
		q.set("body", value.Str(f.body))
	}
	f.answers(q)
	f.upstream(q)
	if q.err != nil {
		return nil, q.err
	}
	doc := value.Obj(append(q.top, member("tests", value.Arr(value.Obj(q.test...))))...)
	req, err := policytest.Single(doc, file.policy, file.File)
	var faults rules.Faults
	if errors.As(err, &faults) {
		return nil, usageError{flagFaults(faults)}
	}
	return req, err
}

// user sets the user.
func (f *requestFlags) user(q *question) {
	var claims value.Value
	switch {
	case f.as != "" && f.token != "":
		q.fail("as", "there is --token already; want one of the two")
		return
	case f.active != "" && f.token == "":
		q.fail("active", "is for an opaque --token")
		return
	case f.token != "":
		claims = value.Obj(member("token", value.Str(f.token)))
		if f.active != "" {
			claims = claims.With("active", q.parse("active", f.active))
		}
	case f.as == "" || f.as == policytest.Nobody:
		return
	default:
		if claims = q.parse("as", f.as); claims.Kind() != value.Object {
			q.fail("as", `want claims, such as '{"id":"ana"}', or %s`, policytest.Nobody)
			return
		}
	}
	q.top = append(q.top, member("who", value.Obj(member("user", claims))))
	q.set("as", value.Str("user"))
}

// parse parses a flag's JSON.
func (q *question) parse(flag, text string) value.Value {
	v, err := value.Parse(text, reportDepth)
	if err != nil {
		q.fail(flag, "%w", err)
	}
	return v
}

// jsonOrFile parses JSON, or that of a file.
func (q *question) jsonOrFile(flag, text string) value.Value {
	if v, err := value.Parse(text, policy.MaxDepth); err == nil {
		return v
	}
	if strings.ContainsAny(text[:1], `{["`) {
		_, err := value.Parse(text, policy.MaxDepth)
		q.fail(flag, "%w", err)
		return value.Value{}
	}
	f, err := policyfile.ReadOther(text)
	if err != nil {
		q.fail(flag, "want JSON, or a file with JSON: %w", err)
		return value.Value{}
	}
	return f.Doc
}

// pairs sets a member to an object of names and values. A repeated name has an array.
func (q *question) pairs(name, flag, sep string, list []string) {
	byName := map[string][]value.Value{}
	var names []string
	for _, text := range list {
		key, v, ok := strings.Cut(text, sep)
		if !ok || key == "" {
			q.fail(flag, "want name%svalue, found %q", sep, text)
			return
		}
		if _, again := byName[key]; !again {
			names = append(names, key)
		}
		byName[key] = append(byName[key], value.Str(strings.TrimLeft(v, " ")))
	}
	var members []value.Member
	for _, key := range names {
		v := value.Arr(byName[key]...)
		if len(byName[key]) == 1 {
			v = byName[key][0]
		}
		members = append(members, member(key, v))
	}
	if members != nil {
		q.set(name, value.Obj(members...))
	}
}

// flagNames are the flags of the members of a test, where they have another name.
var flagNames = []struct{ place, flag string }{
	{"tests[0].response.status", "--response-status"}, {"tests[0].response.headers", "--response-header"}, {"tests[0].response", "--response"},
	{"tests[0].headers", "--header"}, {"tests[0].cookies", "--cookie"}, {"tests[0].request", "METHOD PATH"}, {"who.user.active", "--active"}, {"who.user.token", "--token"}, {"who.user", "--as"},
	{"tests[0].", "--"}, {"", "--"},
}

// flagFaults returns the faults of a document that the flags made, with the names of
// the flags.
func flagFaults(faults rules.Faults) error {
	var lines []string
	for _, f := range faults {
		for _, n := range flagNames {
			if rest, ok := strings.CutPrefix(f.Place, n.place); ok {
				lines = append(lines, n.flag+rest+": "+f.Message)
				break
			}
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}
