package console

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/rulegate/rulegate/host/testbrowser"
)

// TestSession edits the files of a policy: they are saved when asked to, and changes on
// the disk are noticed.
func TestSession(t *testing.T) {
	dir := write(t, map[string]string{"policy.yaml": "routes: [{name: a, match: {path: /}, rule: {rule: allow}}]\n"})
	path := filepath.Join(dir, "policy.yaml")
	b := testbrowser.Start(t)
	p := open(t, b, serve(t, path), testbrowser.View{})
	p.outcome("Allowed")
	p.Wait("location.hash === ''") // the token does not stay in the address
	read := func() string {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	p.Run(editor + ".focus()")
	p.Press(kb.End, chromedp.ModifierCtrl)
	p.Type("# typed")
	p.Wait("[...document.querySelectorAll('button')].some(e => e.textContent === 'Save' && !e.disabled)")
	if text := read(); strings.Contains(text, "typed") {
		t.Errorf("the file was written unasked: %s", text)
	}
	p.Press("s", chromedp.ModifierCtrl)
	p.Wait("document.querySelector('.note').textContent === 'Saved.'")
	if text := read(); !strings.HasSuffix(text, "# typed") {
		t.Errorf("the file is %s", text)
	}
	// A change on the disk is taken over, if nothing was typed.
	if err := os.WriteFile(path, []byte("routes: [{name: b, match: {path: /}, rule: {rule: deny}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.outcome("Refused 403")
	p.Wait(editor + ".textContent.includes('deny')")
	// If something was typed, the page asks.
	p.Run(editor + ".focus()")
	p.Press(kb.End, chromedp.ModifierCtrl)
	p.Type("# mine")
	p.Wait("[...document.querySelectorAll('button')].some(e => e.textContent === 'Save' && !e.disabled)")
	if err := os.WriteFile(path, []byte("routes: [{name: c, match: {path: /}, rule: {rule: allow}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Wait("!document.querySelector('.changed').hidden")
	p.accessible("a change on the disk")
	p.Wait(editor + ".textContent.includes('# mine')")
	p.button("Take it from the disk")
	p.outcome("Allowed")
	// The tests are written into a new file.
	p.button("Add as a test")
	p.Wait("document.body.dataset.tests === '1 0'")
	p.button("Save")
	p.Wait("document.querySelector('.note').textContent === 'Saved.'")
	if text, err := os.ReadFile(filepath.Join(dir, "policy_test.yaml")); err != nil || !strings.Contains(string(text), "want: allow") {
		t.Errorf("%s %v", text, err)
	}
	p.clean()
}

// TestExported serves the exported page by another server, under a path, unpacked.
func TestExported(t *testing.T) {
	dir := t.TempDir()
	if err := export(built(t), filepath.Join(dir, "docs", "console")); err != nil {
		t.Fatal(err)
	}
	for name, handler := range map[string]http.Handler{
		"as it is": http.FileServer(http.Dir(dir)),
		"with Content-Encoding": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".gz") {
				w.Header().Set("Content-Encoding", "gzip")
			}
			http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(handler)
			defer s.Close()
			p := open(t, testbrowser.Start(t), s.URL+"/docs/console/", testbrowser.View{})
			p.outcome("Allowed")
			p.clean()
		})
	}
}

// TestLicences requires the licence of everything that the page has.
func TestLicences(t *testing.T) {
	text, err := os.ReadFile("dist/licences.txt")
	if err != nil {
		built(t)
		if text, err = os.ReadFile("dist/licences.txt"); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"== @codemirror/view ", "== @lezer/yaml ", "== style-mod ", "== Go ==", "== go.yaml.in/yaml/v4 ", "== rulegate ==", "MIT License", "Redistributions in binary form"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("licences.txt has no %q", want)
		}
	}
}
