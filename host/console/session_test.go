package console

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

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
	// Somebody else makes that file first: the page asks, and keeps what it has.
	if err := os.WriteFile(filepath.Join(dir, "policy_test.yaml"), []byte("tests: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Wait("document.querySelector('.changed').textContent.startsWith('policy_test.yaml changed on the disk')")
	p.Wait(editor + ".textContent.includes('want: allow')")
	p.button("Keep what is here")
	p.button("Save")
	p.Wait("document.querySelector('.note').textContent === 'Saved.'")
	if text, err := os.ReadFile(filepath.Join(dir, "policy_test.yaml")); err != nil || !strings.Contains(string(text), "want: allow") {
		t.Errorf("%s %v", text, err)
	}
	p.clean()
}

// TestLinkInSession opens a link in a tab that has a session. Its state is not saved over
// the session's files, and gets none of their changes.
func TestLinkInSession(t *testing.T) {
	const text = "routes: [{name: a, match: {path: /}, rule: {rule: deny}}]\n"
	dir := write(t, map[string]string{"policy.yaml": text})
	path := filepath.Join(dir, "policy.yaml")
	b := testbrowser.Start(t)
	p := open(t, b, serve(t, path), testbrowser.View{})
	p.outcome("Refused 403")
	hostile := state(t, map[string]any{"policy": "policy.yaml", "tests": "more_test.yaml", "files": map[string]string{
		"policy.yaml": "routes: [{name: b, match: {path: /}, rule: {rule: allow}}]", "policy_test.yaml": "tests: []", "more_test.yaml": "tests: []"}})
	p.Run("location.hash = " + strconv.Quote(hostile))
	p.outcome("Allowed")
	if !testbrowser.Eval[bool](p.Page, "[...document.querySelectorAll('button')].find(e => e.textContent === 'Save').hidden") {
		t.Error("the link can be saved over the session's files")
	}
	p.Press("s", chromedp.ModifierCtrl)
	if err := os.WriteFile(path, []byte(text+"# changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.set("path", "/a") // decides anew
	p.Wait("document.querySelector('.outcome strong').textContent.startsWith('Refused')")
	p.set("path", "/")
	p.outcome("Allowed")
	if strings.Contains(testbrowser.Eval[string](p.Page, editor+".textContent"), "changed") {
		t.Error("the link's policy got a change of the session's")
	}
	// The session is there again without the link.
	p.Run("location.hash = ''")
	p.outcome("Refused 403")
	p.Wait(editor + ".textContent.includes('changed')")
	data, err := os.ReadFile(path)
	if err != nil || string(data) != text+"# changed\n" {
		t.Errorf("the file is %s, %v", data, err)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(found) != 1 {
		t.Errorf("files %v, %v", found, err)
	}
	p.clean()
}

// TestServerGone ends the server while the page is open: the page decides on, and says
// that it cannot save.
func TestServerGone(t *testing.T) {
	dir := write(t, map[string]string{"policy.yaml": "routes: [{name: a, match: {path: /}, rule: {rule: allow}}]\n"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(built(t), filepath.Join(dir, "policy.yaml"), l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: s}
	go srv.Serve(l)
	p := open(t, testbrowser.Start(t), s.Link("http://"+l.Addr().String()), testbrowser.View{})
	p.outcome("Allowed")
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	p.set("path", "/other")
	p.Wait("document.querySelector('.outcome strong').textContent.startsWith('Refused')")
	p.Run(editor + ".focus()")
	p.Press(kb.End, chromedp.ModifierCtrl)
	p.Type("# typed")
	p.Wait("[...document.querySelectorAll('button')].some(e => e.textContent === 'Save' && !e.disabled)")
	p.Press("s", chromedp.ModifierCtrl)
	p.Wait("document.querySelector('.note').textContent.startsWith('policy.yaml is not saved: ')")
	p.Wait(editor + ".textContent.includes('# typed')")
}

// TestEvaluatorMissing has a server without the evaluator, and with a broken one.
func TestEvaluatorMissing(t *testing.T) {
	page := built(t)
	b := testbrowser.Start(t)
	for name, want := range map[string]string{"missing": "The evaluator cannot be loaded: eval.wasm.gz: 404", "cut off": "The evaluator cannot be loaded: ", "rubbish": "The evaluator cannot be loaded: "} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for _, file := range []string{"index.html", "icon.svg", "page.css", "start.js", "page.js", "worker.js", "eval.wasm.gz"} {
				data, err := fs.ReadFile(page, file)
				if err != nil {
					t.Fatal(err)
				}
				if file == "eval.wasm.gz" {
					switch name {
					case "missing":
						continue
					case "cut off":
						data = data[:len(data)/2]
					case "rubbish":
						data = []byte("rubbish")
					}
				}
				files[file] = &fstest.MapFile{Data: data}
			}
			p := b.Open(t, testbrowser.View{})
			p.Go(serveFiles(t, files, ""))
			p.Wait(fmt.Sprintf("document.querySelector('.decision')?.textContent.includes(%q)", want))
		})
	}
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
