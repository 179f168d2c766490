package route

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCandidates(t *testing.T) {
	x := table(t, `mine   GET,PATCH  /v1/todos/{id}
		new    POST   /v1/todos/{id}
		all    -      /{all...}
		other  GET    api.example/v1/todos/{id}
		wild   GET    *.example/v1/{x}
		plain  GET    /v2`)
	for request, want := range map[string]string{
		"GET shop/v1/todos/7": `all path host method
mine path host method chosen
new path host
other path method
plain host method
wild method`,
		"HEAD api.example:80/v1/todos/7": `all path host method
mine path host method
new path host
other path host method chosen
plain host method
wild host method`,
		"DELETE shop/v1/todos/7": `all path host method
mine path host
new path host
other path
plain host
wild`,
		"OPTIONS shop/*": ``,
	} {
		method, target, _ := strings.Cut(request, " ")
		host, path, _ := strings.Cut(target, "/")
		if path != "*" {
			path = "/" + path
		}
		all, section, err := x.Candidates(method, host, path)
		if err != nil || section != "" {
			t.Errorf("%s: %v %q", request, err, section)
		}
		var lines []string
		for _, c := range all {
			line := *c.Resource
			for _, f := range []struct {
				name string
				fits bool
			}{{"path", c.FitsPath}, {"host", c.FitsHost}, {"method", c.FitsMethod}, {"chosen", c.Chosen}} {
				if f.fits {
					line += " " + f.name
				}
			}
			lines = append(lines, line)
		}
		slices.Sort(lines)
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", request, got, want)
		}
	}
	var bad *PathError
	if _, _, err := x.Candidates("GET", "shop", "/a//b"); !errors.As(err, &bad) {
		t.Errorf("a path with an empty segment: %v", err)
	}
	x.API = API[string]{Base: []string{"v1", "api", "shop"}, Databases: map[string]map[string]map[string]*string{}}
	if all, section, err := x.Candidates("POST", "shop", "/v1/api/shop/crud/d/c/read"); len(all) > 0 || section != "databases" || err != nil {
		t.Errorf("a path of the API: %v %q %v", all, section, err)
	}
}
