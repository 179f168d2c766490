package console

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/rulegate/rulegate/host/testbrowser"
)

// shots is where screenshots go, for people: an ignored folder.
const shots = "../../.cache/console/shots"

// page is the console in a browser.
type page struct {
	*testbrowser.Page
	t    *testing.T
	link string
}

// open opens a link, and waits for the first decision and the tests.
func open(t *testing.T, b *testbrowser.Browser, link string, v testbrowser.View) *page {
	t.Helper()
	p := &page{b.Open(t, v), t, link}
	p.Go(link)
	p.Wait("document.querySelector('.outcome strong')?.textContent && document.body.dataset.decisions > 0")
	return p
}

// editor is the editor's text, in its shadow root.
const editor = "document.querySelector('#file').shadowRoot.querySelector('.cm-content')"

// outcome waits for an outcome: its words, and its status behind a blank.
func (p *page) outcome(want string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("[...document.querySelectorAll('.outcome strong, .outcome .status')].map(e => e.textContent).join(' ') === %q", want))
}

// click clicks an element, as a person who sees it.
func (p *page) click(selector string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("document.querySelector(%q)", selector))
	p.Run(fmt.Sprintf("document.querySelector(%q).click()", selector))
}

// button clicks the button with a text.
func (p *page) button(text string) {
	p.t.Helper()
	p.Run(fmt.Sprintf("[...document.querySelectorAll('button')].find(e => e.textContent === %q).click()", text))
}

// set types a text into a field of the request, in place of the one that is there.
func (p *page) set(name, text string) {
	p.t.Helper()
	p.Run(fmt.Sprintf("(e => { e.focus(); e.select() })(document.querySelector('form [name=%s]'))", name))
	p.Type(text)
}

// clean fails the test if the page complained, or asked for anything from elsewhere.
func (p *page) clean() {
	p.t.Helper()
	for _, problem := range p.Problems() {
		p.t.Error(problem)
	}
	origin, _, _ := strings.Cut(p.link, "/#")
	for _, url := range p.Requests() {
		if !strings.HasPrefix(url, strings.TrimSuffix(origin, "/")+"/") && !strings.HasPrefix(url, "data:image/svg+xml,") {
			p.t.Errorf("the page asked for %s", url)
		}
	}
}

// accessible runs axe-core on the page.
func (p *page) accessible(what string) {
	p.t.Helper()
	source, err := os.ReadFile("../../.cache/console/node_modules/axe-core/axe.min.js")
	if err != nil {
		p.t.Fatal(err)
	}
	p.Run(string(source) + "; undefined")
	found := testbrowser.Eval[[]string](p.Page, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.target.flat().join(' ') + ': ' + n.failureSummary)))`)
	for _, f := range found {
		p.t.Errorf("%s: %s", what, f)
	}
}

// TestPage goes through the page as a person does.
func TestPage(t *testing.T) {
	b := testbrowser.Start(t)
	p := open(t, b, serve(t, ""), testbrowser.View{})
	p.outcome("Allowed")
	p.Wait("document.body.dataset.tests === '5 0'")
	p.Wait("document.querySelector('#file').shadowRoot.querySelectorAll('.cm-covered [role=img]').length === 5")

	// A fault appears under the text and in the list, with a fix; the fix makes it go.
	p.Run(editor + ".focus()")
	p.Press(kb.Home, chromedp.ModifierCtrl)
	for range 9 {
		p.Press(kb.ArrowDown)
	}
	p.Press(kb.End)
	p.Press(kb.ArrowLeft)
	p.Press(kb.Backspace)
	p.Wait("document.querySelector('.problems .error')?.textContent.includes('unknown rule \"authenticate\"')")
	p.Wait("document.querySelector('#file').shadowRoot.querySelector('.cm-lintRange-error')?.textContent === 'authenticate'")
	p.outcome("No decision")
	p.Wait("document.querySelector('.decision .last')?.textContent.includes('isEditor')") // the last decision stays
	p.Screenshot(filepath.Join(shots, "fault.png"))
	p.accessible("with a fault")
	p.button("Change to authenticated")
	p.outcome("Allowed")
	p.Wait("!document.querySelector('.problems .error')")

	// What is typed is completed, from the schema and from args.
	p.Run(editor + ".focus()")
	p.Press(kb.End, chromedp.ModifierCtrl)
	p.Type("  - na")
	p.Press(" ", chromedp.ModifierCtrl)
	p.Wait("document.querySelector('#file').shadowRoot.querySelector('.cm-tooltip-autocomplete li')?.textContent.includes('name')")
	p.Press(kb.Escape)
	for range len("  - na") {
		p.Press(kb.Backspace)
	}
	p.outcome("Allowed")

	// The request decides.
	p.set("path", "/articles/home")
	p.outcome("Refused 403")
	p.Screenshot(filepath.Join(shots, "refused.png"))
	p.accessible("a refusal")
	p.click(".decision p .link")
	p.Wait("document.querySelector('#file').shadowRoot.querySelector('.cm-jumped')?.textContent.includes('notTheHomePage')")
	p.Wait("document.querySelector('#file').shadowRoot.activeElement?.classList.contains('cm-content')")

	// The link opens the same in a fresh profile. It is in the fragment.
	p.button("Link")
	p.Wait("location.hash.startsWith('#state=')")
	other := open(t, b, testbrowser.Eval[string](p.Page, "location.href"), testbrowser.View{})
	other.outcome("Refused 403")
	other.clean()

	// The request becomes a test.
	p.button("Add as a test")
	p.Wait("document.body.dataset.tests === '6 0'")
	p.Wait("document.querySelector('[role=tab][aria-selected=true]').textContent.startsWith('policy_test.yaml')")
	p.Wait(editor + ".textContent.includes('want: {status: 403')")

	// The method, a body, an answer.
	p.Run("document.querySelector('[aria-label=Example]').value = '4'; document.querySelector('[aria-label=Example]').dispatchEvent(new Event('change'))")
	p.outcome("Allowed 200")
	p.Wait("[...document.querySelectorAll('.decision .difference')].some(e => e.textContent.includes('5200'))")
	p.Screenshot(filepath.Join(shots, "masking.png"))
	p.accessible("a response")
	p.clean()
}

// TestCompare shows two policies side by side, and what the change does.
func TestCompare(t *testing.T) {
	b := testbrowser.Start(t)
	p := open(t, b, serve(t, ""), testbrowser.View{Width: 1600, Height: 900})
	p.button("Compare")
	p.Wait("document.querySelector('.below').textContent.includes('equal: the rules are the same')")
	p.Run(editor + ".focus()")
	p.Press(kb.End, chromedp.ModifierCtrl)
	for range 4 {
		p.Press(kb.Backspace)
	}
	p.Type("x}") // home}\n becomes hox}
	p.Wait("document.querySelector('[aria-label=\"What the change does\"] li')?.textContent.includes('refused before, allowed now')")
	p.Screenshot(filepath.Join(shots, "compare.png"))
	p.accessible("a comparison")
	p.click("[aria-label='What the change does'] .link")
	p.Wait("document.querySelector('form [name=path]').value === '/articles/home'")
	p.outcome("Allowed")
	p.clean()
}

// TestCompareFile opens another policy from a file, by the keyboard's way to it.
func TestCompareFile(t *testing.T) {
	dir := write(t, map[string]string{
		"old.yaml": "routes: [{name: all, match: {path: \"/articles/{id}\"}, rule: {rule: allow}}]\n",
		"text.bin": "\xff\xfe", "nul.yaml": "routes: []\x00", "huge.yaml": "# " + strings.Repeat("x", 4<<20),
		"<b>.yaml": "routes: [\n", "including.yaml": "include: [more.yaml]\nroutes: []\n", "including_test.yaml": "tests: []\n",
		"more.yaml": "routes: [{name: all, match: {path: \"/articles/{id}\"}, rule: {rule: deny}}]\n",
	})
	b := testbrowser.Start(t)
	p := open(t, b, serve(t, ""), testbrowser.View{Width: 1600, Height: 900})
	p.button("Compare")
	p.Wait("document.querySelector('.below').textContent.includes('equal: the rules are the same')")
	p.Run("document.querySelector('[aria-pressed=true]').focus()")
	reached := false
	for range 30 {
		p.Press(kb.Escape)
		p.Press(kb.Tab)
		reached = reached || testbrowser.Eval[bool](p.Page, "document.activeElement.matches('input[type=file]')")
	}
	if !reached {
		t.Error("the keyboard does not reach the field for a file")
	}
	for name, want := range map[string]string{
		"text.bin": "text.bin cannot be opened: it is no text in UTF-8", "nul.yaml": "nul.yaml cannot be opened: it is no text", "huge.yaml": "huge.yaml cannot be opened: it has more than 4 MiB",
	} {
		p.Choose("input[type=file]", filepath.Join(dir, name))
		p.Wait(fmt.Sprintf("document.querySelector('.note').textContent === %q", want))
	}
	p.Choose("input[type=file]", filepath.Join(dir, "<b>.yaml"))
	p.Wait("document.querySelector('.below').textContent.includes('One of the two policies has a fault')")
	p.Choose("input[type=file]", filepath.Join(dir, "old.yaml"))
	p.Wait("document.querySelector('.before h3').textContent === 'Before: old.yaml'")
	p.Wait("document.querySelector('[aria-label=\"What the change does\"] li')?.textContent.includes('allowed before, refused now')")
	p.accessible("another policy")
	p.Screenshot(filepath.Join(shots, "compare-file.png"))
	// A policy that includes a file: it is missing until both are opened, here by a drop.
	p.Choose("input[type=file]", filepath.Join(dir, "including.yaml"))
	p.Wait("document.querySelector('.below').textContent.includes('before/policy.yaml:1: include[0]: no file matches more.yaml')")
	p.Choose("input[type=file]", filepath.Join(dir, "including.yaml"), filepath.Join(dir, "more.yaml"), filepath.Join(dir, "including_test.yaml"))
	p.Wait("document.querySelector('.note').textContent === 'including.yaml is compared with the policy, with more.yaml.'")
	p.Wait("document.querySelector('.below').textContent.includes('refused before, allowed now')")
	p.Run(`{
		const all = new DataTransfer()
		all.items.add(new File(["include: [rest.yaml]\n"], "dropped.yaml"))
		all.items.add(new File(["routes: [{name: all, match: {path: \"/articles/{id}\"}, rule: {rule: allow}}]\n"], "rest.yaml"))
		document.querySelector('.side .editor').dispatchEvent(new DragEvent('drop', {dataTransfer: all, bubbles: true, cancelable: true}))
	}`)
	p.Wait("document.querySelector('.note').textContent === 'dropped.yaml is compared with the policy, with rest.yaml.'")
	p.Wait("document.querySelector('[aria-label=\"What the change does\"] li')?.textContent.includes('allowed before, refused now')")
	// The link has it too.
	p.button("Link")
	p.Wait("location.hash.startsWith('#state=')")
	other := open(t, b, testbrowser.Eval[string](p.Page, "location.href"), testbrowser.View{Width: 400, Height: 1900})
	other.Wait("document.querySelector('.before h3').textContent === 'Before: dropped.yaml'")
	other.Wait("document.querySelector('[aria-label=\"What the change does\"] li')")
	other.accessible("another policy, narrow")
	other.Screenshot(filepath.Join(shots, "compare-narrow.png"))
	other.clean()
	p.clean()
}

// TestHover explains a word under the mouse, and at the cursor.
func TestHover(t *testing.T) {
	p := open(t, testbrowser.Start(t), serve(t, ""), testbrowser.View{})
	p.outcome("Allowed")
	const word = "[...document.querySelector('#file').shadowRoot.querySelectorAll('.cm-line span')].find(e => e.textContent.trim() === 'auth')"
	const about = "document.querySelector('#file').shadowRoot.querySelector('.cm-about')"
	p.Wait("Boolean(" + word + ")")
	p.Point(word)
	p.Wait("Boolean(" + about + ")")
	text := testbrowser.Eval[string](p.Page, about+".textContent")
	if !strings.Contains(text, "Tokens") {
		t.Errorf("auth is explained as %q", text)
	}
	p.Screenshot(filepath.Join(shots, "hover.png"))
	p.accessible("a text about a word")
	p.Point("document.querySelector('h1')")
	p.Wait("!" + about)
	// By the keyboard.
	p.Run(editor + ".focus()")
	p.Press(kb.Home, chromedp.ModifierCtrl)
	for range 20 {
		if testbrowser.Eval[bool](p.Page, "document.querySelector('#file').shadowRoot.querySelector('.cm-activeLine').textContent.startsWith('auth')") {
			break
		}
		p.Press(kb.ArrowDown)
	}
	// It is told to screen readers, for a moment.
	p.Run("globalThis.announced = []; (e => new MutationObserver(() => announced.push(e.textContent)).observe(e, {childList: true, subtree: true}))(document.querySelector('#file').shadowRoot.querySelector('.cm-announced'))")
	p.Press(kb.F1)
	p.Wait("Boolean(" + about + ")")
	if got := testbrowser.Eval[string](p.Page, about+".textContent"); got != text {
		t.Errorf("F1 explains auth as %q, the mouse as %q", got, text)
	}
	p.Wait("announced.some(text => text.includes('Tokens'))")
	p.Press(kb.Escape)
	p.Wait("!" + about)
	p.clean()
}

// TestLogLine opens a line of the decision log.
func TestLogLine(t *testing.T) {
	p := open(t, testbrowser.Start(t), serve(t, ""), testbrowser.View{})
	p.button("Log line")
	p.Run("document.querySelector('dialog textarea').focus()")
	p.accessible("the dialog")
	p.Type("no line of a log <b>")
	p.button("Show")
	p.Wait("document.querySelector('dialog .wrong').textContent.includes('the line tells of no decision')")
	p.Run("document.querySelector('dialog textarea').select()")
	p.Type(`{"v":1,"time":"2026-03-01T12:00:00Z","of":"request","route":"delete","outcome":"no","status":403,"clause":"routes[1].rule.clauses[1]","name":"notTheHomePage","reason":"it is <i>home</i>","request":{"method":"DELETE","path":"/articles/home"},"claims":{"roles":["editor"],"org.id":7}}`)
	p.button("Show")
	p.Wait("!document.querySelector('dialog').open")
	p.outcome("Refused 403")
	p.Wait("document.querySelector('.note').textContent.includes('<i>home</i>')")
	p.Wait("document.querySelector('#file').shadowRoot.querySelector('.cm-jumped')?.textContent.includes('notTheHomePage')")
	p.Wait("JSON.parse(document.querySelector('form [name=claims]').value).org.id === 7")
	p.clean()
}

// TestKeyboard reaches every part by the keyboard alone.
func TestKeyboard(t *testing.T) {
	p := open(t, testbrowser.Start(t), serve(t, ""), testbrowser.View{})
	var seen []string
	for range 60 {
		p.Press(kb.Escape) // leaves the editor
		p.Press(kb.Tab)
		at := testbrowser.Eval[string](p.Page, "(e => e === document.body ? '' : e.id === 'file' || e.classList.contains('editor') ? 'editor' : e.name || e.textContent.trim().slice(0, 30) || e.ariaLabel || e.tagName)(document.activeElement)")
		if at == "" {
			break
		}
		seen = append(seen, at)
	}
	all := strings.Join(seen, "|")
	for _, want := range []string{"Compare", "Log line", "Link", "policy.yaml", "editor", "Add as a test", "method", "path", "headers", "choice-user", "claims", "answered", "Route delete", "Token verified", "policy.yaml:14"} {
		if !strings.Contains(all, want) {
			t.Errorf("the keyboard does not reach %q: %s", want, all)
		}
	}
	// Arrows move between the tabs.
	p.Run("document.querySelector('[role=tab]').focus()")
	p.Press(kb.ArrowRight)
	p.Wait("document.activeElement.getAttribute('aria-selected') === 'true' && document.activeElement.textContent.startsWith('policy_test.yaml')")
}

// views are the widths and the colours in which the page is looked at.
var views = map[string]testbrowser.View{
	"wide-light":   {Width: 2560, Height: 1300},
	"wide-dark":    {Width: 2560, Height: 1300, Dark: true},
	"middle-light": {Width: 1280, Height: 900},
	"middle-dark":  {Width: 1280, Height: 900, Dark: true},
	"narrow-light": {Width: 400, Height: 1900},
	"narrow-dark":  {Width: 400, Height: 1900, Dark: true},
}

// shifted is the cumulative layout shift of the page.
const shifted = `new Promise(done => {
	let sum = 0
	new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value }).observe({type: 'layout-shift', buffered: true})
	setTimeout(() => done(sum), 100)
})`

// TestLook checks the page at each width and in both colours: nothing runs over the side,
// and axe-core finds no violation. It writes screenshots.
func TestLook(t *testing.T) {
	b := testbrowser.Start(t)
	link := serve(t, "")
	for name, v := range views {
		t.Run(name, func(t *testing.T) {
			p := open(t, b, link, v)
			p.outcome("Allowed")
			p.Wait("document.body.dataset.tests === '5 0'")
			p.Screenshot(filepath.Join(shots, name+".png"))
			p.accessible("at first")
			if over := testbrowser.Eval[int](p.Page, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("the page is %d pixels too wide", over)
			}
			if shift := testbrowser.Eval[float64](p.Page, shifted); shift > 0.1 { // what web.dev calls good
				t.Errorf("what is shown has moved while the page was loaded: %.2f", shift)
			}
			p.set("path", "/articles/home")
			p.outcome("Refused 403")
			p.Run("document.querySelectorAll('details').forEach(e => { e.open = true })")
			p.accessible("unfolded")
			p.Screenshot(filepath.Join(shots, name+"-refused.png"))
			p.clean()
		})
	}
}

// state is the fragment of a link with a state.
func state(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return fragment(t, text)
}

func fragment(t *testing.T, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return "#state=" + base64.RawURLEncoding.EncodeToString(b.Bytes())
}

const markup = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`

// TestHostile opens links that are made to break the page. Each shows as text, and the
// page can be used afterwards.
func TestHostile(t *testing.T) {
	b := testbrowser.Start(t)
	base := serve(t, "")
	quoted, err := json.Marshal(markup)
	if err != nil {
		t.Fatal(err)
	}
	var many strings.Builder
	many.WriteString("routes:\n")
	for i := range 60_000 {
		fmt.Fprintf(&many, "  - {match: {path: \"/a%d/{x}\"}, rule: {rule: deny}}\n", i)
	}
	var aliases strings.Builder
	aliases.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&aliases, "a%d: &a%[1]d [%s]\n", i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9))
	}
	for name, c := range map[string]struct{ fragment, shows string }{
		"markup in the policy": {
			state(t, map[string]any{"files": map[string]string{"policy.yaml": fmt.Sprintf("routes: [{name: %s, match: {path: /}, rule: {rule: deny, name: %[1]s, error: %[1]s}}]", quoted), markup + ".yaml": markup}, "policy": "policy.yaml", "request": map[string]any{"user": "claims"}}),
			"onerror",
		},
		"markup in a fault":   {state(t, map[string]any{"files": map[string]string{"policy.yaml": "routes: [{rule: {rule: " + string(quoted) + "}}]"}, "policy": "policy.yaml"}), "No decision"},
		"markup as token":     {state(t, map[string]any{"files": map[string]string{"policy.yaml": "auth: {tokens: [{alg: HS256, secret: a-secret-of-more-than-32-bytes-here}]}\nroutes: [{match: {path: /}, rule: {rule: authenticated}}]"}, "policy": "policy.yaml", "request": map[string]any{"user": "token", "token": markup}}), "Refused"},
		"markup as request":   {state(t, map[string]any{"files": map[string]string{"policy.yaml": "routes: []"}, "policy": "policy.yaml", "request": map[string]any{"path": "/" + markup, "method": markup, "headers": "x: " + markup}}), "No decision"},
		"a prototype":         {fragment(t, []byte(`{"__proto__":{"x":1},"files":{"__proto__":"routes: []","policy.yaml":"routes: []"},"policy":"policy.yaml","request":{"__proto__":null,"data":{"__proto__":"[]"}}}`)), "Refused"},
		"other types":         {fragment(t, []byte(`{"files":{"policy.yaml":"routes: []","a":7},"policy":"policy.yaml","tests":[],"env":7,"request":[1]}`)), "Refused"},
		"a deep policy":       {state(t, map[string]any{"files": map[string]string{"policy.yaml": "routes: " + strings.Repeat("[", 100_000)}, "policy": "policy.yaml"}), "No decision"},
		"a deep list":         {state(t, map[string]any{"files": map[string]string{"policy.yaml": "routes:\n  " + strings.Repeat("- ", 50_000)}, "policy": "policy.yaml"}), "No decision"},
		"deep claims":         {state(t, map[string]any{"files": map[string]string{"policy.yaml": "routes: []"}, "policy": "policy.yaml", "request": map[string]any{"user": "claims", "claims": `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}"}}), "No decision"},
		"a huge policy":       {state(t, map[string]any{"files": map[string]string{"policy.yaml": many.String()}, "policy": "policy.yaml"}), "No decision"},
		"aliases of aliases":  {state(t, map[string]any{"files": map[string]string{"policy.yaml": aliases.String()}, "policy": "policy.yaml"}), "No decision"},
		"no state":            {"#state=", "Allowed"},
		"a state cut off":     {"#state=q1ZKy8xJ", "Allowed"},
		"no base64":           {"#state=<script>", "Allowed"},
		"a bomb":              {fragment(t, bytes.Repeat([]byte(" "), 64<<20)), "Allowed"},
		"no policy":           {state(t, map[string]any{"policy": "x"}), "Allowed"},
		"a token of nobody's": {"#token=abc", "Allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, b, base+c.fragment, testbrowser.View{})
			p.Wait(fmt.Sprintf("document.querySelector('main').textContent.includes(%q)", c.shows))
			// The page is alive: an example can be loaded and decided.
			p.Run("document.querySelector('[aria-label=Example]').value = '1'; document.querySelector('[aria-label=Example]').dispatchEvent(new Event('change'))")
			p.outcome("Allowed")
			if title := testbrowser.Eval[string](p.Page, "document.title"); title != "rulegate console" {
				t.Errorf("the title is %q", title)
			}
			if n := testbrowser.Eval[int](p.Page, "document.querySelectorAll('img, main script, iframe').length"); n > 0 {
				t.Errorf("%d elements were made of texts", n)
			}
			if name != "a token of nobody's" { // 404 is its answer
				p.clean()
			}
		})
	}
}
