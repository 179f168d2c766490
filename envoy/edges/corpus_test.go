package edges

import (
	"fmt"
	"strings"
)

// oddRequest is a request in which the role, or the user's id, is written so that
// readers may find different ones.
type oddRequest struct {
	part    string // of the request that the rule reads: query, params, header or claim
	method  string
	query   string // without "?"
	headers [][2]string
	body    string
}

func (r oddRequest) String() string {
	text := fmt.Sprintf("%s %s %q", r.part, r.method, r.query)
	for _, h := range r.headers {
		text += fmt.Sprintf(" %q", h[0]+": "+h[1])
	}
	if r.body != "" {
		text += fmt.Sprintf(" %q", r.body)
	}
	return text
}

const form = "application/x-www-form-urlencoded"

// utf7 has the role user in UTF-8; in UTF-7 it has a second key with the role admin.
const utf7 = `{"user_role":"user","x":"+ACIALAAi-user_role+ACIAOgAi-admin"}`

// corpus returns all odd requests.
func corpus() (all []oddRequest) {
	for _, name := range oddNames {
		for _, pairs := range []string{name + "=admin", "user_role=user&" + name + "=admin", name + "=admin&user_role=user"} {
			all = append(all,
				oddRequest{part: "query", method: "GET", query: pairs},
				oddRequest{part: "params", method: "POST", headers: [][2]string{{"content-type", form}}, body: pairs})
		}
	}
	for _, pairs := range oddPairs {
		all = append(all,
			oddRequest{part: "query", method: "GET", query: pairs},
			oddRequest{part: "params", method: "GET", query: pairs},
			oddRequest{part: "params", method: "POST", headers: [][2]string{{"content-type", form}}, body: pairs})
	}
	for _, body := range oddJSON {
		all = append(all, oddRequest{part: "params", method: "POST", headers: [][2]string{{"content-type", "application/json"}}, body: body})
	}
	for _, kind := range oddTypes {
		for _, body := range []string{`{"user_role":"user"}`, "user_role=user", `{"user_role":"user","x":"&user_role=admin&"}`, utf7} {
			r := oddRequest{part: "params", method: "POST", body: body}
			for value := range strings.SplitSeq(kind, "\n") {
				r.headers = append(r.headers, [2]string{"content-type", value})
			}
			all = append(all, r)
		}
	}
	for _, name := range oddHeaders("content-type")[1:] {
		for _, r := range []struct{ kind, other, body string }{
			{"application/json", form, `{"user_role":"user","x":"&user_role=admin&"}`},
			{form, "application/json", "user_role=user"},
			{"application/json", "application/json; charset=utf-7", utf7},
		} {
			all = append(all, oddRequest{part: "params", method: "POST", headers: [][2]string{{"content-type", r.kind}, {name, r.other}}, body: r.body})
		}
	}
	for _, h := range [][2]string{{"content_length", "20"}, {"transfer_encoding", "chunked"}, {"content_encoding", "gzip"}, {"content-encoding", "identity"}, {"x-http-method", "GET"}} {
		all = append(all, oddRequest{part: "params", method: "POST", headers: [][2]string{{"content-type", form}, h}, body: "user_role=user&x=1&user_role_=admin"})
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		for _, body := range []string{`{"user_role":"user"}`, `{"x":1}`, "user_role=user", "x=1"} {
			kind := form
			if body[0] == '{' {
				kind = "application/json"
			}
			for _, part := range []string{"query", "params"} {
				for _, query := range []string{"user_role=admin", "user_role=user", "x=1"} {
					all = append(all, oddRequest{part, method, query, [][2]string{{"content-type", kind}}, body})
				}
			}
		}
	}
	for _, name := range oddHeaders("x-role") {
		all = append(all,
			oddRequest{part: "header", method: "GET", headers: [][2]string{{name, "admin"}}},
			oddRequest{part: "header", method: "GET", headers: [][2]string{{"x-role", "user"}, {name, "admin"}}},
			oddRequest{part: "header", method: "GET", headers: [][2]string{{name, "admin"}, {"x-role", "user"}}})
	}
	for _, value := range []string{"user, admin", "user,", "user\t", "\"user\"", "us\xe9r", "user\x80", "user;q=1", ""} {
		all = append(all, oddRequest{part: "header", method: "GET", headers: [][2]string{{"x-role", value}}})
	}
	for _, name := range oddHeaders("x-user-id") {
		all = append(all, oddRequest{part: "claim", method: "GET", headers: [][2]string{{name, "admin"}}})
	}
	return append(all,
		oddRequest{part: "claim", method: "GET", headers: [][2]string{{"connection", "x-user-id"}}},
		oddRequest{part: "claim", method: "GET", headers: [][2]string{{"connection", "x-user-id"}, {"x-user-id", "admin"}}},
		oddRequest{part: "header", method: "GET", headers: [][2]string{{"connection", "x-role"}, {"x-role", "user"}}})
}

// oddNames are names of parameters that a reader may take for user_role, as they
// are written in a query or a form.
var oddNames = []string{
	// arrays and objects
	"user_role[]", "user_role[0]", "user_role[x]", "user_role%5B%5D", "user_role[", "user_role]", "user_role[]x",
	"user_role[a][b]", "[user_role]", "[]user_role", "x[user_role]", "user[role]", "user_role.x", "__proto__[user_role]", "constructor[prototype][user_role]",
	// before the name
	"+user_role", "%20user_role", "%09user_role", "%0Auser_role", "%00user_role", ".user_role", "_user_role", "[user_role", "?user_role", "%EF%BB%BFuser_role", "%C2%A0user_role", "amp;user_role",
	// after the name
	"user_role+", "user_role%20", "user_role%00", "user_role%00x", "user_role.", "user_role%0A", "user_role%E2%80%8B",
	// in the name
	"user.role", "user+role", "user%20role", "user-role", "user[role", "user%5Brole", "user%00role", "userrole", "user__role", "user%255Frole", "user%2Erole", "user%09role", "user;role", "user:role", "user/role",
	// the same name, escaped
	"user%5Frole", "%75ser_role", "user_role%", "user_role%zz", "%u0075ser_role",
	// upper case, other scripts, other encodings
	"USER_ROLE", "User_Role", "user_Role", "userRole", "user%EF%BC%BFrole", "user%C1%9Frole", "user_rol%C3%A9", "us\u0065r_role", "user_role",
}

// oddPairs are whole queries and forms.
var oddPairs = []string{
	"user_role=user;user_role=admin", "user_role=admin;user_role=user", "x=1;user_role=admin", "user_role=user%26user_role=admin",
	"user_role=user&&user_role=admin", "&user_role=user", "user_role", "user_role=", "user_role==user", "user_role=us%65r", "user_role=user%00",
	"user_role=user%00admin", "user_role=user+", "user_role=user%0a", "user_role=user%", "user_role=user%zz", "user_role=%75%73%65%72", "user_role=user,admin",
	"user_role=user\u00a0", "user_role=u%c5%9fer", "user_role=user%ff", "=admin&user_role=user", "user_role=user&=admin", "user_role%3Duser", "user_role=user?user_role=admin",
	"user_role=user&user_role", "user_role&user_role=user", "user_role=user&amp;user_role=admin", "user_role=user&_method=DELETE", "_charset_=utf-7&user_role=user",
	"user_role=user|user_role=admin", "user_role=user\\&user_role=admin", "user_role=%u0075ser", "user_role=user&user_role=user", "x=%26user_role%3Dadmin&user_role=user",
}

// oddJSON are bodies of application/json.
var oddJSON = []string{
	`{"user_role":"user"}`, `{"user_role":"admin"}`, `{"user_role":"us\u0065r"}`, `{"\u0075ser_role":"user"}`, `{"x":{"user_role":"admin"},"user_role":"user"}`,
	`{"user_role":"user","user_role":"admin"}`, `{"user_role":"admin","user_role":"user"}`, `{"user_role":"user","\u0075ser_role":"admin"}`,
	`{"User_Role":"admin"}`, `{"user_role":"user","User_Role":"admin"}`, `{"USER_ROLE":"admin","user_role":"user"}`, `{"user_role ":"admin","user_role":"user"}`,
	`{"user_role\u0000":"admin","user_role":"user"}`, `{"user_role":"user","user_role\u0000x":"admin"}`, `{"user.role":"admin"}`, `{"user.role":"admin","user_role":"user"}`,
	`{"user-role":"admin","user_role":"user"}`, `{"user_role[]":"admin","user_role":"user"}`, `{"__proto__":{"user_role":"admin"}}`, `{"__proto__":{"user_role":"admin"},"x":1}`,
	`{"constructor":{"prototype":{"user_role":"admin"}}}`, `{"user_role":"user"}{"user_role":"admin"}`, `{"user_role":"user"} x`, "\ufeff" + `{"user_role":"user"}`,
	`{"user_role":"user",}`, `{"user_role":"user"/*,"x":1*/}`, `{"user_role":"user","n":NaN}`, `{"user_role":"user\ud800"}`, `{"user_role":"user\u0000"}`, "{\"user_role\":\"user\xff\"}",
	"{\"user_role\":\"user\",\"x\":\"\xff\"}", "{\"user_role\":\"user\",\"\xff\":1}", `{"user_role":["user"]}`, `{"user_role":{"x":"user"}}`, `{"user_role":null}`, `[{"user_role":"admin"}]`, `["user_role","admin"]`,
	`"user_role=admin"`, `'user_role'`, `{user_role:"user"}`, `{'user_role':'user'}`, `{"user_role":"user","n":1e999}`, `{"user_role":"user","n":01}`, `{"user_role":"user","n":1E400}`, "{\"user_role\":\"us\ter\"}",
	"{\x00\"\x00u\x00s\x00e\x00r\x00_\x00r\x00o\x00l\x00e\x00\"\x00:\x00\"\x00a\x00\"\x00}\x00", " \n{\"user_role\":\"user\"}\n", "\x0b{\"user_role\":\"user\"}", "{\"user_role\":\"user\"}\x00", strings.Repeat("[", 100) + strings.Repeat("]", 100),
	`{"user_role":"user","x":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}`, `{"` + "\u017fer_role" + `":"admin","user_role":"user"}`, `{"u\u017fer_role":"admin","user_role":"user"}`,
}

// oddTypes are content types; a line break separates two of one request.
var oddTypes = []string{
	"application/json; charset=utf-8", "application/json; charset=utf8", "application/json; charset=utf-7", "application/json; charset*=utf-8''utf-7", "application/json; charset=utf-8; charset=utf-7",
	`application/json; charset="utf-7"`, `application/json; charset="utf\-7"`, "application/json;charset=utf-16", "application/json; x=\"; charset=utf-7", "application/json, " + form, form + ", application/json",
	"application/json;" + form, "APPLICATION/JSON", "application/JSON ; charset=UTF-8", "application/vnd.api+json", "application/problem+json", "application/connect+json", "application/json-seq", "application/x-ndjson", "application/json5", "text/json", "text/x-json", "application/x-json",
	form + "; charset=utf-8", form + "; charset=utf-7", form + "; charset=iso-8859-1", form + "; charset*=utf-8''utf-7", form + "; charset=utf-8; charset=utf-7", "application/x-www-form-urlencoded2", "application/x-url-encoded", "multipart/form-data", "multipart/form-data; boundary=x", "multipart/mixed; boundary=x",
	"text/plain", "*/*", "json", "", "application/json\n" + form, form + "\napplication/json", "application/json\napplication/json",
}

// oddHeaders returns names of headers that a reader may take for name.
func oddHeaders(name string) []string {
	under := strings.ReplaceAll(name, "-", "_")
	names := []string{name, under, strings.ToUpper(name), strings.ToUpper(under), strings.Replace(name, "-", "_", 1), strings.ReplaceAll(name, "-", "--"), strings.ReplaceAll(name, "-", ""),
		name + "-", "-" + name, name + "_", "_" + name, name + " ", name + "\t", " " + name, "http-" + name, "http_" + under, name + "[]", name + "\x00"}
	for _, c := range "!#$%&'*+.^`|~" {
		names = append(names, strings.ReplaceAll(name, "-", string(c)), name+string(c), string(c)+name)
	}
	return names
}
