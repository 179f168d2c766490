package console

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rulegate/rulegate/host/testbrowser"
)

// example loads an example by its number.
func (p *page) example(n int) {
	p.t.Helper()
	p.Run(fmt.Sprintf("(e => { e.value = '%d'; delete document.body.dataset.tests; e.dispatchEvent(new Event('change')) })(document.querySelector('[aria-label=Example]'))", n))
}

// status waits for the status of a decision.
func (p *page) status(want string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("document.querySelector('.outcome .status')?.textContent === %q", want))
}

// TestRequest fills in each part of the request.
func TestRequest(t *testing.T) {
	p := open(t, testbrowser.Start(t), serve(t, ""), testbrowser.View{})
	n := testbrowser.Eval[int](p.Page, "document.querySelectorAll('[aria-label=Example] option').length - 1")
	if n < 11 {
		t.Errorf("%d examples", n)
	}
	for i := range n {
		p.example(i)
		p.Wait("document.body.dataset.tests && document.querySelector('.outcome strong').textContent !== 'No decision'")
		if got := testbrowser.Eval[string](p.Page, "document.querySelector('.outcome strong').textContent + ' ' + document.body.dataset.tests + ' ' + document.querySelector('.decision').textContent"); !regexp.MustCompile(`^Allowed \d+ 0 `).MatchString(got) {
			t.Errorf("example %d: %s", i, got)
		}
	}
	// Rows that a query finds.
	p.example(3)
	p.outcome("Allowed")
	rows := "[...document.querySelectorAll('form label')].find(e => e.textContent.startsWith('Rows of social.follows')).querySelector('textarea')"
	p.Wait("document.querySelectorAll('form [data-key=\"Rows of social.follows\"]').length === 1")
	p.Screenshot(filepath.Join(shots, "rows.png"))
	p.Run("(e => { e.focus(); e.select() })(" + rows + ")")
	p.Type("[]")
	p.status("403")
	p.Run(rows + ".select()")
	p.Type("[") // an unfinished text is no decision, and is marked
	p.outcome("No decision")
	p.Wait(rows + ".getAttribute('aria-invalid') === 'true'")
	// A client's certificate, and a body.
	p.example(6)
	p.outcome("Allowed")
	p.set("body", `{"amount": 1001}`)
	p.outcome("Refused 403")
	p.set("body", `{"amount": 1000}`)
	p.outcome("Allowed")
	p.Run("document.querySelector('form details').open = true")
	p.set("peer", `{"uriSan": "spiffe://shop/mail"}`)
	p.outcome("Refused 403")
	// A token that is pasted.
	p.example(1)
	p.outcome("Allowed")
	p.click("form [name=choice-user][value=token]")
	p.set("token", "not.a.token")
	p.status("401")
	p.click("form [name=choice-user][value=nobody]")
	p.status("401")
	p.clean()
}

// TestWebhookAnswer types the answer of a webhook, and looks at the request that the
// upstream gets.
func TestWebhookAnswer(t *testing.T) {
	const policy = `auth: {tokens: [{name: own, alg: HS256, secret: "${SECRET}", primary: true}]}
webhooks: {allow: [hooks.internal]}
routes:
  - name: order
    match: {path: /order}
    auth: none
    rule:
      rule: and
      clauses:
        - {rule: webhook, name: asked, url: "https://hooks.internal/may"}
        - {rule: force, field: args.request.headers.x-checked, value: "yes"}
`
	link := serve(t, "") + state(t, map[string]any{"policy": "policy.yaml", "files": map[string]string{"policy.yaml": policy}, "request": map[string]any{"path": "/order"}})
	p := open(t, testbrowser.Start(t), link, testbrowser.View{})
	const answer = "document.querySelector('form [data-key=\"Answer of https://hooks.internal/may\"]')"
	p.Wait("Boolean(" + answer + ")")
	for text, want := range map[string]string{`{"status": 200, "json": {}}`: "Allowed", `{"status": 403}`: "Refused 403", `{"fails": "timeout"}`: "Refused: a call failed 503"} {
		p.Run("(e => { e.focus(); e.select() })(" + answer + ")")
		p.Type(text)
		p.Wait(fmt.Sprintf("[...document.querySelectorAll('.outcome strong, .outcome .status')].map(e => e.textContent).join(' ').startsWith(%q)", want))
		if want == "Allowed" {
			p.Wait("[...document.querySelectorAll('.decision .difference ins')].some(e => e.textContent.includes('x-checked: yes'))")
		}
	}
	p.clean()
}
