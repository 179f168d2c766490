package openapi

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

const discovery = "/.well-known/openid-configuration"

// tokens writes auth.tokens of the security schemes that bring tokens.
func (w *writer) tokens() {
	if w.doc.api.Components == nil {
		return
	}
	var names []string
	for name, s := range w.doc.api.Components.SecuritySchemes {
		if s.Value != nil && isToken(s.Value) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	given := importer.Get(w.Policy, "auth", "tokens") != nil
	list := importer.List()
	for _, name := range names {
		s := w.doc.api.Components.SecuritySchemes[name].Value
		switch {
		case given:
			w.providers[name] = "" // x-rulegate has the keys
			continue
		case s.Type == "openIdConnect" && strings.HasSuffix(s.OpenIdConnectUrl, discovery):
			list.Content = append(list.Content, importer.Object(importer.Text("name"), importer.Text(name), importer.Text("oidc"), importer.Text(strings.TrimSuffix(s.OpenIdConnectUrl, discovery))))
		default:
			entry := importer.Object(importer.Text("name"), importer.Text(name), importer.Text("alg"), importer.Text("HS256"),
				importer.Text("secret"), w.Secret("JWT_SECRET", random()))
			importer.Ask(entry, "the keys of "+name+": the document does not name them, so this one is made up")
			w.Report.Add(importer.Item{Outcome: importer.ToDecide, At: w.doc.file.Path, Part: "security scheme " + name, Reason: "the document does not name its keys"})
			list.Content = append(list.Content, entry)
		}
		w.providers[name] = name
	}
	if len(list.Content) > 0 {
		importer.Set(importer.Section(w.Policy, "auth"), "tokens", list)
	}
}

func random() string {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic(err) // the system has no random numbers: nothing may be written
	}
	return base64.StdEncoding.EncodeToString(b)
}

func isToken(s *openapi3.SecurityScheme) bool {
	return s.Type == "openIdConnect" || s.Type == "oauth2" || s.Type == "http" && strings.EqualFold(s.Scheme, "bearer")
}

// security are the credentials that an operation needs.
type security struct {
	auth     *yaml.Node
	clauses  []*yaml.Node
	question string // why it cannot be said; "": it can
}

// requirements are the alternatives of an operation; said is false if the document says
// nothing.
func (d *Document) requirements(o *operation) (list openapi3.SecurityRequirements, said bool) {
	switch {
	case o.Security != nil:
		return *o.Security, true
	case len(d.api.Security) > 0:
		return d.api.Security, true
	}
	return nil, importer.Get(d.root, "security") != nil
}

func (w *writer) security(o *operation) (s security) {
	list, said := w.doc.requirements(o)
	s.auth = importer.Text("none")
	if !said {
		s.question = "who may use it? The document has no security for it; `security: []` makes it public"
		return s
	}
	optional := len(list) == 0
	var providers []string
	var alternatives [][]*yaml.Node
	for _, alternative := range list {
		if len(alternative) == 0 {
			optional = true
			continue
		}
		clauses, names, why := w.schemes(alternative)
		if why != "" {
			s.question = why
			return s
		}
		alternatives = append(alternatives, clauses)
		for _, name := range names {
			if name != "" && !slices.Contains(providers, name) {
				providers = append(providers, name)
			}
		}
	}
	switch {
	case len(alternatives) == 0:
		return s // public
	case optional:
		s.auth = importer.Text("optional")
		return s
	}
	s.auth = importer.Text("required")
	if len(providers) > 0 {
		s.auth = importer.Object(importer.Text("providers"), importer.TextList(providers...))
	}
	s.clauses = append(s.clauses, ruleOf("authenticated"))
	for _, clauses := range alternatives { // a rule cannot tell which provider's token it is: all must hold
		s.clauses = append(s.clauses, clauses...)
	}
	return s
}

// schemes reads one alternative: schemes that all must hold.
func (w *writer) schemes(alternative openapi3.SecurityRequirement) (clauses []*yaml.Node, providers []string, why string) {
	var names []string
	for name := range alternative {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var s *openapi3.SecurityScheme
		if c := w.doc.api.Components; c != nil && c.SecuritySchemes[name] != nil {
			s = c.SecuritySchemes[name].Value
		}
		switch {
		case s == nil:
			return nil, nil, "the security scheme " + name + " is not there"
		case isToken(s):
			if len(providers) > 0 {
				return nil, nil, "two tokens at once: " + strings.Join(names, " and ")
			}
			providers = append(providers, w.providers[name])
			for _, scope := range alternative[name] {
				clauses = append(clauses, ruleOf("match", "type", "string", "eval", "in", "f1", literal(scope), "f2", "utils.split(args.auth.scope, ' ')"))
			}
		case s.Type == "apiKey" && s.In == "header":
			return nil, nil, "the API keys of " + name + ": make them with rulegate token apikey, with the header " + s.Name
		default:
			return nil, nil, "the security scheme " + name + " (" + strings.TrimSpace(s.Type+" "+s.Scheme+s.In) + "), which no rule can say"
		}
	}
	return clauses, providers, ""
}
