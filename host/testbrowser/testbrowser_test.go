package testbrowser

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "script-src 'unsafe-inline'")
		_, _ = w.Write([]byte(`<!doctype html><p id=p></p><script>
			p.textContent = innerWidth + ' ' + matchMedia('(prefers-color-scheme: dark)').matches + ' ' + localStorage.length; localStorage.a = 1
			console.error('a complaint'); const s = document.createElement('script'); s.src = 'http://127.0.0.1:1/x.js'; document.body.append(s); null.x</script>`))
	}))
	defer s.Close()
	b := Start(t)
	for _, v := range []struct {
		View
		want string
	}{{View{Width: 400, Height: 700, Dark: true}, "400 true 0"}, {View{}, "1280 false 0"}} {
		p := b.Open(t, v.View)
		p.Go(s.URL)
		p.Wait("p.textContent")
		if got := Eval[string](p, "p.textContent"); got != v.want {
			t.Errorf("%q, want %q", got, v.want)
		}
		problems := strings.Join(p.Problems(), "\n")
		for _, want := range []string{"a complaint", "Cannot read properties of null", "Content Security Policy"} {
			if !strings.Contains(problems, want) {
				t.Errorf("no %q among the problems:\n%s", want, problems)
			}
		}
		if !slices.Contains(p.Requests(), s.URL+"/") {
			t.Errorf("requests: %v", p.Requests())
		}
	}
}
