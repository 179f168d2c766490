package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// teams is a policy with an included file and the file of a team.
func teams(shared, orders, main string) string {
	indent := func(text string) string {
		return "        " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        ")
	}
	return own + `
project: shop
databases: {main: {type: mongo}}
define:
  staff: {rule: match, type: string, eval: "==", f1: args.auth.role, f2: staff}
` + main + `
include:
  - file: shared/a.yaml
    policy:
` + indent(shared) + `
teams:
  orders:
    paths: ["/v1/orders/{rest...}", "/v1/api/shop/services/orders/{e}", "/v1/api/shop/crud/main/orders/{op}"]
    require: {rule: use, of: staff}
    include:
      - file: teams/orders.yaml
        policy:
    ` + strings.ReplaceAll(indent(orders), "\n", "\n    ") + "\n"
}

const (
	sharedFile = `define:
  own: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: x}
routes:
  - match: {path: "/shared"}
    rule: {rule: use, of: own}`
	ordersFile = `define:
  mine: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}
routes:
  - match: {path: "/v1/orders/{id}"}
    rule: {rule: use, of: mine}
  - match: {path: "/v1/orders/{id}/open"}
    rule: {rule: allow}
services: {orders: {endpoints: {list: {rule: {rule: use, of: staff}}}}}
databases: {main: {collections: {orders: {rules: {read: {rule: allow}}}}}}`
	mainRoutes = "routes: [{match: {path: /healthz}, rule: {rule: allow}}]"
)

// A team's rule passes only where its `require` passes too.
func TestTeamsRequire(t *testing.T) {
	doc := document(t, teams(sharedFile, ordersFile, mainRoutes))
	for _, o := range []Options{{Getenv: getenv}, {Getenv: getenv, Module: true}} {
		p, _, err := Load(doc, o)
		if err != nil {
			t.Fatal(err)
		}
		testTeam(t, p)
	}
}

func testTeam(t *testing.T, p *Policy) {
	t.Helper()
	for request, want := range map[string]rules.Outcome{
		`GET /v1/orders/7 {"id": "7", "role": "staff"}`:             rules.Yes,
		`GET /v1/orders/7 {"id": "7", "role": "guest"}`:             rules.No,
		`GET /v1/orders/7 {"id": "8", "role": "staff"}`:             rules.No,
		`GET /v1/orders/7/open {"id": "8", "role": "staff"}`:        rules.Yes,
		`GET /v1/orders/7/open {"id": "8", "role": "guest"}`:        rules.No,
		`GET /v1/orders/7/open {"id": "8"}`:                         rules.Unknown,
		`POST /v1/api/shop/services/orders/list {"role": "guest"}`:  rules.No,
		`POST /v1/api/shop/crud/main/orders/read {"role": "guest"}`: rules.No,
		`POST /v1/api/shop/crud/main/orders/read {"role": "staff"}`: rules.Yes,
		`GET /shared {"id": "x"}`:                                   rules.Yes,
		`GET /shared {"id": "y"}`:                                   rules.No,
	} {
		f := strings.SplitN(request, " ", 3)
		m, err := p.Find(f[0], "", f[1])
		if err != nil {
			t.Fatal(request, err)
		}
		auth, err := value.Parse(f[2], 9)
		if err != nil {
			t.Fatal(err)
		}
		args := value.Obj(value.Member{Key: "auth", Value: auth},
			value.Member{Key: "request", Value: value.Obj(value.Member{Key: "vars", Value: value.Obj(m.Vars...)})})
		v := m.Resource.Rule.Eval(&rules.Input{Args: args, Verified: true, Now: time.Now()}, rules.Memo{})
		if v.Outcome != want {
			t.Errorf("%s: %v, want %v", request, v.Outcome, want)
		}
		if strings.HasPrefix(f[1], "/v1") && m.Resource.Auth.Optional() {
			t.Errorf("%s: a team's allow needs no token, though require reads it", request)
		}
	}
}

// Files that do not fit each other are faults, with the file and the place.
func TestPartsFaults(t *testing.T) {
	for name, c := range map[string]struct{ shared, orders, main, want string }{
		"settings of the main file": {"auth: {}\n" + sharedFile, ordersFile, mainRoutes, "[\"shared/a.yaml\"].auth: only the main file has `auth`"},
		"a connection":              {"databases: {main: {type: mongo, collections: {}}}\n" + sharedFile, ordersFile, mainRoutes, "[\"shared/a.yaml\"].databases.main.type: only the main file has `type`"},
		"another database":          {"databases: {mian: {collections: {}}}\n" + sharedFile, ordersFile, mainRoutes, `["shared/a.yaml"].databases.mian: databases of the main file has no entry of this name`},
		"an unknown key":            {"rotes: []\n" + sharedFile, ordersFile, mainRoutes, "[\"shared/a.yaml\"].rotes: unknown key `rotes`: did you mean `routes`?"},
		"a path":                    {sharedFile, ordersFile + "\nfiles: [{prefix: /orders, rules: {read: {rule: allow}}}]", mainRoutes, `["teams/orders.yaml"].files[0].prefix: outside the paths of team orders (teams.orders.paths)`},
		"all collections":           {sharedFile, strings.Replace(ordersFile, "collections: {orders:", "collections: {default:", 1), mainRoutes, `["teams/orders.yaml"].databases.main.collections.default: outside the paths of team orders (teams.orders.paths)`},
		"a path with more":          {sharedFile, strings.Replace(ordersFile, "/v1/orders/{id}/open", "/v1/{x}/open", 1), mainRoutes, `["teams/orders.yaml"].routes[1].match.path: outside the paths of team orders (teams.orders.paths)`},
		"a tie":                     {strings.Replace(sharedFile, "/shared", "/healthz", 1), ordersFile, mainRoutes, `["shared/a.yaml"].routes[0].match: covers requests of routes[0] of the main file, and neither is more specific`},
		"a tie of parts":            {strings.Replace(sharedFile, "/shared", "/v1/orders/{id}", 1), ordersFile, mainRoutes, `["teams/orders.yaml"].routes[0].match: covers requests of routes[0] of shared/a.yaml, and neither is more specific`},
		"a name":                    {strings.Replace(sharedFile, "- match", "- name: n\n    match", 1), strings.Replace(ordersFile, "- match", "- name: n\n    match", 1), mainRoutes, `["teams/orders.yaml"].routes[0].name: routes[0] of shared/a.yaml has this name already`},
		"an endpoint":               {sharedFile + "\nservices: {orders: {endpoints: {list: {rule: {rule: allow}}}}}", ordersFile, mainRoutes, `["teams/orders.yaml"].services.orders.endpoints.list: services.orders.endpoints.list of shared/a.yaml has the rules of this already`},
		"a collection":              {sharedFile + "\ndatabases: {main: {collections: {orders: {rules: {read: {rule: allow}}}}}}", ordersFile, mainRoutes, `["teams/orders.yaml"].databases.main.collections.orders: databases.main.collections.orders of shared/a.yaml has the rules of this already`},
		"a rule of another file":    {strings.Replace(sharedFile, "use, of: own", "use, of: mine", 1), ordersFile, mainRoutes, `["shared/a.yaml"].routes[0].rule.of: no rule "mine" in define`},
		"a rule of the main file":   {strings.Replace(sharedFile, "own:", "staff:", 1), ordersFile, mainRoutes, `["shared/a.yaml"].define.staff: the main file has a rule of this name, which cannot be replaced|["shared/a.yaml"].routes[0].rule.of: no rule "own" in define`},
		"a variable of a team":      {sharedFile, ordersFile + "\nfiles: [{prefix: '${SECRET}', rules: {}}]", mainRoutes, `["teams/orders.yaml"].files[0].prefix: variables and files (${…}) are for the main file and its include; $${ is a ${ that stays`},
		"pages of a team":           {sharedFile, strings.Replace(ordersFile, "- match", "- cors: {origins: [https://evil.example], credentials: true}\n    match", 1), mainRoutes, `["teams/orders.yaml"].routes[0].cors.origins[0]: https://evil.example is not among the origins of |["teams/orders.yaml"].routes[0].cors.credentials: `},
		"a team's route in shadow":  {sharedFile, strings.Replace(ordersFile, "- match", "- mode: shadow\n    match", 1), mainRoutes, `["teams/orders.yaml"].routes[0].mode: only the main file and its include may put a route in shadow`},
		"an unused rule":            {strings.Replace(sharedFile, "define:", "define:\n  bad: {rule: alow}", 1), ordersFile, mainRoutes, `["shared/a.yaml"].define.bad.rule: unknown rule "alow"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, teams(c.shared, c.orders, c.main))
			if err == nil {
				t.Fatal("no fault")
			}
			lines := strings.Split(err.Error(), "\n")
			want := strings.Split(c.want, "|")
			for i, line := range lines {
				if len(lines) != len(want) || !strings.HasPrefix(line, want[i]) {
					t.Fatalf("got  %v\nwant %s", err, c.want)
				}
			}
		})
	}
}

// A document whose files were not read is refused: its rules are not there.
func TestIncludeIsNotIgnored(t *testing.T) {
	for _, text := range []string{"include: [a.yaml]", "teams: {t: {include: a.yaml}}", "teams: {t: {include: [a.yaml]}}"} {
		for _, o := range []Options{{}, {Module: true}} {
			if _, _, err := Load(document(t, text), o); err == nil || !strings.Contains(err.Error(), "included files are not read here") {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

func TestDefine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"circle":  {"define: {a: {rule: use, of: b}, b: {rule: use, of: a}}\nroutes: [{match: {path: /}, rule: {rule: use, of: a}}]", "define.b.of: a circle: a uses b uses a"},
		"unknown": {"define: {a: {rule: authenticated}}\nroutes: [{match: {path: /}, rule: {rule: use, of: A}}]", `routes[0].rule.of: no rule "A" in define`},
		"capture": {"define: {a: {rule: match, type: string, eval: '==', f1: args.request.vars.idd, f2: args.auth.id}}\nroutes: [{match: {path: '/{id}'}, rule: {rule: use, of: a}}]", "define.a.f1: args.request.vars.idd: the path of routes[0] has no variable idd; it has id"},
	} {
		_, _, err := load(t, own+c.text)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	_, warnings, err := load(t, own+"define: {a: {rule: authenticated}, b: {rule: use, of: a}}\nroutes: [{match: {path: /}, rule: {rule: use, of: a}}]\nlint: {off: [written-secret], why: a test}")
	if err != nil || len(warnings) != 1 || warnings[0].Error() != "define.b: no rule uses it [unused-define]" {
		t.Errorf("%v %v", warnings, err)
	}
}
