package engine

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/assist"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// decision is the answer of decide.
type decision struct {
	Diagnostics []assist.Diagnostic `json:"diagnostics"`
	Missing     []string            `json:"missing,omitempty"`  // variables and files with stand-ins
	Tables      []string            `json:"tables,omitempty"`   // that rules query: `database.collection`
	Webhooks    []string            `json:"webhooks,omitempty"` // that rules call
	Resources   []resource          `json:"resources,omitempty"`
	// Faults are about the request, by its members.
	Faults []requestFault `json:"faults,omitempty"`
	Trace  *trace.Trace   `json:"trace,omitempty"` // nothing: the policy or the request has a fault
	// Answer is the refusal that the client gets.
	Answer *answer `json:"answer,omitempty"`
	// Failed says why the request could not be decided at all.
	Failed string `json:"failed,omitempty"`
}

// resource is a route or another resource of the policy.
type resource struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
}

type requestFault struct {
	Place   string `json:"place"`
	Message string `json:"message"`
}

// answer is a response to the client.
type answer struct {
	Status  int         `json:"status"`
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body"`
}

// maxListed bounds the resources of an answer.
const maxListed = 1000

// decide checks the policy and decides the request.
func decide(q *Question) (any, error) {
	c, err := q.load(q.Policy)
	if err != nil {
		return nil, err
	}
	out := &decision{Diagnostics: q.diagnose(q.Policy)}
	if c == nil {
		return out, nil
	}
	p := c.Policy
	out.Missing = c.Missing
	// What is left are keys in files that are not in the question.
	out.Diagnostics = slices.DeleteFunc(out.Diagnostics, func(d assist.Diagnostic) bool { return d.Severity == assist.Error })
	out.Tables, out.Webhooks = policytest.Targets(p)
	for _, r := range p.Resources()[:min(len(p.Resources()), maxListed)] {
		file, line, _ := c.file.Locate(policy.Parent(r.Place))
		out.Resources = append(out.Resources, resource{r.Name, file, line})
	}
	req, err := q.request(p, c.file)
	var faults rules.Faults
	switch {
	case errors.As(err, &faults):
		for _, f := range faults {
			out.Faults = append(out.Faults, requestFault{f.Place, f.Message})
		}
		return out, nil
	case err != nil:
		out.Failed = err.Error()
		return out, nil
	}
	out.decide(q, c, req)
	return out, nil
}

// request is the request of the question, as one of a file with one test.
func (q *Question) request(p *policy.Policy, f *policyfile.File) (*simulate.Request, error) {
	doc, err := value.Parse(string(q.Request), policy.MaxDepth)
	if err != nil {
		return nil, err
	}
	return policytest.Single(doc, p, f)
}

// decide adds the decision about a request.
func (d *decision) decide(q *Question, c *loaded, req *simulate.Request) {
	recorder := trace.NewRecorder(recorderOptions(c))
	req.Tracer = recorder
	result, err := simulate.New(c.Policy, simulate.Options{}).Decide(req)
	if err != nil {
		d.Failed = err.Error()
		return
	}
	d.Trace = recorder.Trace(&trace.Subject{Policy: c.Policy, Path: q.Policy, Request: req, Result: result})
	if r := result.Client; r != nil && (result.Upstream == nil || d.Trace.Response == nil) {
		d.Answer = &answer{r.Status, r.Headers, r.Body}
	}
}

// recorderOptions mask what may not be shown, and find the lines of clauses.
func recorderOptions(c *loaded) trace.Options {
	return trace.Options{
		Mask: maskOf(c),
		Locate: func(place string) trace.Position {
			path, line, column := c.file.Locate(place)
			return trace.Position{File: path, Line: line, Column: column}
		},
	}
}

// maskOf is the mask of the policy's secrets. The names of stand-ins are no secrets.
func maskOf(c *loaded) *trace.Mask {
	secrets := c.file.Secrets(c.Options)
	maps.DeleteFunc(secrets, func(text, _ string) bool {
		return slices.ContainsFunc(c.Missing, func(name string) bool { return text == "unset-"+name || strings.HasPrefix(text, "missing-") })
	})
	return trace.PolicyMask(c.Policy, secrets)
}
