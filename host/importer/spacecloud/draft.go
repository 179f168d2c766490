package spacecloud

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

// writer writes the draft of one project.
type writer struct {
	*importer.Draft
	project *project
	signs   bool // an HS key signs service tokens
	calls   bool // a rule asks a database or a webhook
	hosts   []string
}

// draft writes the policy of a project.
func (p *project) draft() *importer.Draft {
	w := &writer{Draft: importer.NewDraft(p.id), project: p}
	w.Report.Notes = []string{
		"GraphQL (/v1/api/" + p.shown() + "/graphql), realtime sockets and gRPC have no counterpart: these paths are denied. Call the collections and services by their HTTP paths, or give the server that answers GraphQL a route of its own.",
		"a comparison of a value that is not there is not yes here, also with != and notIn.",
	}
	if p.id == "" {
		importer.Ask(importer.Set(w.Policy, "project", importer.Text("project")), "the name of the project, which is in the paths of its API; the source has none")
		w.ask("", "project", "the source names no project")
	} else {
		importer.Set(w.Policy, "project", importer.Text(p.id))
	}
	for _, config := range p.config {
		comment(w.Policy.Content[0], config.name)
		if config.node != nil && len(config.node.Content) > 0 && config.node.Kind == yaml.MappingNode {
			comment(w.Policy.Content[0], config.node.Content[0])
		}
	}
	w.tokens()
	w.crypto()
	w.databases()
	w.collections()
	w.queries()
	w.services()
	w.events()
	w.files()
	w.routes()
	w.companion()
	for _, d := range p.unsupported {
		w.Report.Add(importer.Item{Outcome: importer.Dropped, At: d.at, Part: d.what, Reason: d.reason})
	}
	return w.Draft
}

func (p *project) shown() string {
	if p.id == "" {
		return "project"
	}
	return p.id
}

func (w *writer) ask(at, what, reason string) {
	w.Report.Add(importer.Item{Outcome: importer.ToDecide, At: at, Part: what, Reason: reason})
}

func (w *writer) carried(at, what string) {
	w.Report.Add(importer.Item{Outcome: importer.CarriedOver, At: at, Part: what})
}

func (w *writer) rewrote(at, what, before, after, reason string) {
	w.Report.Add(importer.Item{Outcome: importer.Rewritten, At: at, Part: what, Before: before, After: after, Reason: reason})
}

func (w *writer) dropped(at, what, reason string) {
	w.Report.Add(importer.Item{Outcome: importer.Dropped, At: at, Part: what, Reason: reason})
}

// tokens writes auth.tokens.
func (w *writer) tokens() {
	list := importer.List()
	primary := false
	for _, config := range w.project.config {
		if source := importer.TextOf(config.node, "secretSource"); source == "admin" {
			w.ask(config.at, "secretSource: admin", "tokens are signed by the admin's secret, which is not in this file: add it to auth.tokens")
		}
		if importer.TextOf(config.node, "secret") != "" && importer.Get(config.node, "secrets") == nil {
			list.Content = append(list.Content, w.token(config.at, "secret", config.node, &primary))
			continue
		}
		for i, e := range importer.Entries(importer.Get(config.node, "secrets")) {
			if t := w.token(config.at, fmt.Sprintf("secrets[%d]", i), e.Value, &primary); t != nil {
				list.Content = append(list.Content, t)
			}
		}
	}
	auth := importer.Section(w.Policy, "auth")
	if len(list.Content) == 0 {
		importer.Ask(importer.Set(auth, "tokens", importer.List(importer.Object(
			importer.Text("alg"), importer.Text("HS256"), importer.Text("secret"), w.Secret("JWT_SECRET", random()), importer.Text("primary"), importer.True(),
		))), "the key of your tokens: the source has none, so this one is made up")
		w.ask("", "auth.tokens", "the source has no secret")
		w.signs = true
		return
	}
	if !primary {
		// In Space Cloud the only secret of a project signs.
		for _, t := range list.Content {
			if importer.TextOf(t, "secret") != "" && !primary {
				importer.Set(t, "primary", importer.True())
				primary, w.signs = true, true
			}
		}
	}
	importer.Set(auth, "tokens", list)
}

// token writes one entry; nil: it is dropped.
func (w *writer) token(at, what string, n *yaml.Node, primary *bool) *yaml.Node {
	out := importer.Object()
	alg := importer.TextOf(n, "alg")
	set := func(key, v string) {
		if v != "" {
			importer.Set(out, key, importer.Text(v))
		}
	}
	signs := false
	switch alg {
	case "", "HS256":
		secret := importer.TextOf(n, "secret")
		if secret == "" {
			w.ask(at, what, "the secret is empty: tokens of it are refused")
			return nil
		}
		set("alg", "HS256")
		importer.Set(out, "secret", w.Secret("JWT_SECRET", secret))
		signs = true
	case "RS256", "RS256_PUBLIC":
		set("alg", "RS256")
		set("publicKey", importer.TextOf(n, "publicKey"))
		if key := importer.TextOf(n, "privateKey"); key != "" && alg == "RS256" {
			importer.Set(out, "privateKey", w.Secret("JWT_PRIVATE_KEY", key))
			signs = true
		}
		if alg == "RS256_PUBLIC" {
			w.rewrote(at, what, "alg: RS256_PUBLIC", "alg: RS256", "")
		}
	case "JWK_URL":
		importer.Set(out, "jwks", importer.Object(importer.Text("url"), importer.Text(importer.TextOf(n, "jwkUrl"))))
		w.rewrote(at, what, "alg: JWK_URL", "jwks: {url: …}", "each key of the set has its own alg")
	default:
		w.ask(at, what, "alg "+alg+" is unknown: tokens of it are refused")
		return nil
	}
	set("kid", importer.TextOf(n, "kid"))
	for _, field := range [][2]string{{"iss", "issuer"}, {"aud", "audience"}} {
		if texts := importer.Texts(importer.Get(n, field[0])); len(texts) > 0 {
			importer.Set(out, field[1], importer.TextList(texts...))
		}
	}
	if importer.IsTrue(n, "isPrimary") {
		switch {
		case !signs:
			w.rewrote(at, what, "isPrimary: true", "", "this key cannot sign")
		case *primary:
			w.rewrote(at, what, "isPrimary: true", "", "another key is the primary already")
		default:
			*primary = true
			w.signs = importer.TextOf(out, "secret") != ""
			importer.Set(out, "primary", importer.True())
		}
	}
	w.carried(at, what)
	return out
}

func (w *writer) crypto() {
	for _, config := range w.project.config {
		if key := importer.TextOf(config.node, "aesKey"); key != "" {
			importer.Set(importer.Section(w.Policy, "crypto"), "aesKey", w.Secret("AES_KEY", key))
			w.carried(config.at, "aesKey")
		}
	}
}

// companion writes a secret for the companion where no token's secret serves, and the
// hosts of webhooks.
func (w *writer) companion() {
	if len(w.hosts) > 0 {
		importer.Set(importer.Section(w.Policy, "webhooks"), "allow", importer.TextList(w.hosts...))
	}
	if w.calls && !w.signs {
		importer.Set(importer.Section(w.Policy, "companion"), "secret", w.Secret("COMPANION_SECRET", random()))
		w.rewrote("", "companion.secret", "none", "${COMPANION_SECRET}", "module and companion need a secret, and no token has one; this one is new")
	}
}

func random() string {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic(err) // the system has no random numbers: nothing may be written
	}
	return base64.StdEncoding.EncodeToString(b)
}

// size is a whole number in a range, or 0.
func size(text string, most int) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 {
		return 0
	}
	return min(n, most)
}
